import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFact } from '@bazaar/client'
import t from 'tap'
import { seeded } from '../../../packages/linearizability/test/random.ts'
import { type DiskFile, realDisk } from '../src/raft-log/disk.ts'
import { LogFile, recentLinesMin } from '../src/raft-log/log-file.ts'
import { RecentBytes } from '../src/raft-log/recent-bytes.ts'
import { Ring } from '../src/raft-log/ring.ts'
import { Sealer } from '../src/raft-log/sealer.ts'
import { appendUnlessFull, diskFull, faultyFile } from './faulty-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'bazaar-log-'))
t.teardown(() => rmSync(folder, { recursive: true }))
let files = 0

const sealer = new Sealer()
const entry = (index: number, term = 1) => {
  const fact = encodeFact({ type: 'stock', name: 'Tux', quantity: index, key: `k${index}` })
  return sealer.seal(index, term, fact)
}
const entries = (from: number, to: number, term = 1) =>
  Array.from({ length: to - from + 1 }, (_, at) => entry(from + at, term))
const lineOf = ({ bytes, start, end }: ReturnType<typeof entry>) => Buffer.from(bytes).toString('latin1', start, end)
const read = (log: LogFile, from: number, to: number) => log.read(from, to).toString('latin1')

async function openLog(path = join(folder, `${++files}.jsonl`), syncedBytes = 0) {
  const log = new LogFile(await realDisk.open(path))
  const lines: string[] = []
  await log.recover(syncedBytes, line => lines.push(line.text))
  return { log, lines, path }
}

t.test('what is flushed is there after a restart, and can be read from memory and from the file', async t => {
  const { log, path } = await openLog()
  const count = 3 * recentLinesMin + 10
  log.append(entries(1, count, 1))
  t.equal(log.syncedBytes, 0)
  t.equal(await log.flush(), count)
  log.append(entries(count + 1, count + 5, 2))
  await log.flush()
  t.equal(log.syncedBytes, statSync(path).size)
  log.close()

  const again = await openLog(path, statSync(path).size)
  t.equal(again.lines.length, count + 5)
  t.same(again.log.termRuns, [
    { from: 1, term: 1 },
    { from: count + 1, term: 2 },
  ])
  again.log.append([entry(count + 6, 2)])
  t.equal(
    read(again.log, count + 4, count + 6),
    entries(count + 4, count + 6, 2)
      .map(lineOf)
      .join(''),
  )
  t.equal(read(again.log, 7, 9), entries(7, 9).map(lineOf).join(''))
  again.log.close()
})

t.test('an unsynced tail is cut at its first bad line, wherever good ones follow', async t => {
  for (const [what, spoil] of [
    ['a torn line', (path: string) => truncateSync(path, statSync(path).size - 20)],
    [
      'a page of zeros before good lines',
      (path: string) => {
        const bytes = readFileSync(path)
        const start = entries(1, 7).reduce((sum, { start, end }) => sum + end - start, 0)
        writeFileSync(path, bytes.fill(0, start, start + 50))
      },
    ],
    ['garbage without a newline', (path: string) => appendFileSync(path, 'x'.repeat(10_000))],
    ['half a line', (path: string) => appendFileSync(path, '{"index":11,"te')],
  ] as const) {
    const { log, path } = await openLog()
    log.append(entries(1, 7))
    await log.flush()
    const { syncedBytes } = log
    log.append(entries(8, 10))
    await log.flush()
    log.close()
    spoil(path)
    const again = await openLog(path, syncedBytes)
    t.ok(again.log.lastIndex >= 7, `${what}: the synced part is kept`)
    t.equal(statSync(path).size, again.log.offsetOf(again.log.lastIndex + 1), `${what}: the rest is gone`)
    again.log.append([entry(again.log.lastIndex + 1)])
    await again.log.flush()
    again.log.close()
    const third = await openLog(path, 0)
    t.equal(third.log.lastIndex, again.log.lastIndex, `${what}: the log goes on from there`)
    third.log.close()
  }
})

t.test(
  'a bad line where the synced length is forgotten is no torn tail, unless the ring has all from there on',
  async t => {
    const path = join(folder, `${++files}.jsonl`)
    const open = async () => new LogFile(await realDisk.open(path), await Ring.open(realDisk, `${path}.ring`))
    const log = await open()
    await log.recover(0, () => {})
    for (let index = 1; index <= 50; index++) {
      log.append([entry(index)])
      await log.flush()
    }
    const ringed = readFileSync(path)
    // More at once than goes to the ring.
    log.append(entries(51, 600))
    await log.flush()
    await log.checkpoint()
    log.close()
    const whole = readFileSync(path)
    const flipped = (bytes: Buffer) => {
      const copy = Buffer.from(bytes)
      copy[1_000] = (copy[1_000] as number) ^ 1
      return copy
    }
    writeFileSync(path, flipped(whole))
    await t.rejects(
      (await open()).recover(null, () => {}),
      { name: 'RotError', message: /how much was synced is forgotten/ },
    )
    t.ok(readFileSync(path).equals(flipped(whole)), 'nothing is cut off')
    writeFileSync(path, flipped(ringed))
    const again = await open()
    await again.recover(null, () => {})
    t.ok(readFileSync(path).equals(ringed), 'the ring put all back')
    again.close()
  },
)

t.test('rot in the synced part is told from a torn tail', async t => {
  const { log, path } = await openLog()
  log.append(entries(1, 100))
  await log.flush()
  const { syncedBytes } = log
  log.close()
  const good = readFileSync(path)
  const flipped = Buffer.from(good)
  flipped[good.length >> 1] = (flipped[good.length >> 1] as number) ^ 4
  writeFileSync(path, flipped)
  await t.rejects(openLog(path, syncedBytes), { name: 'RotError' }, 'a flipped bit')
  writeFileSync(path, good.subarray(0, good.length - 1))
  await t.rejects(openLog(path, syncedBytes), { name: 'RotError' }, 'a log shorter than what was synced')
})

t.test('a line that rots while the process runs is not served', async t => {
  const { log, path } = await openLog()
  log.append(entries(1, 10 * recentLinesMin))
  await log.flush()
  const bytes = readFileSync(path)
  bytes[log.offsetOf(2) + 30] = 0
  writeFileSync(path, bytes)
  t.throws(() => log.read(1, 5), { name: 'RotError' })
  t.equal(read(log, 3, 3), lineOf(entry(3)))
  bytes.write(lineOf(entry(7)), log.offsetOf(3))
  writeFileSync(path, bytes)
  t.throws(() => log.read(3, 3), { name: 'RotError' }, 'nor is a good one of another place')
  log.close()
})

t.test('an overwritten tail is gone from memory and file', async t => {
  const { log, path } = await openLog()
  log.append(entries(1, 10, 1))
  await log.flush()
  log.append(entries(11, 12, 1))
  await log.truncate(6)
  t.equal(log.lastIndex, 5)
  log.append(entries(6, 8, 3))
  t.equal(await log.flush(), 8)
  t.equal(readFileSync(path, 'latin1'), [...entries(1, 5, 1), ...entries(6, 8, 3)].map(lineOf).join(''))
  t.same(log.termRuns, [
    { from: 1, term: 1 },
    { from: 6, term: 3 },
  ])
  await log.truncate(1)
  t.same([log.lastIndex, log.termRuns, statSync(path).size], [0, [], 0])
  log.append([entry(1, 4)])
  t.equal(read(log, 1, 1), lineOf(entry(1, 4)))
  log.close()
})

t.test(
  'whatever is appended, written, cut and read, in whatever order, the log is what a plain list of lines is',
  async t => {
    const path = newPath()
    const real = await realDisk.open(path)
    let full = false
    const log = new LogFile(faultyFile(real, { append: appendUnlessFull(real, () => full) }))
    const random = seeded(1)
    const below = (limit: number) => Math.floor(random() * limit)
    let lines: string[] = []
    let term = 1
    for (let step = 0; step < 600; step++) {
      const kind = below(10)
      if (kind < 5) {
        const more = entries(lines.length + 1, lines.length + 1 + below(below(4) === 0 ? 900 : 20), term)
        log.append(more)
        lines.push(...more.map(lineOf))
      } else if (kind < 7) {
        full = below(4) === 0
        const unwritten = real.size < log.offsetOf(log.lastIndex + 1)
        if (full && unwritten) t.throws(() => log.flush(), { code: 'ENOSPC' })
        else t.equal(await log.flush(), lines.length)
        full = false
      } else if (kind === 7 && below(4) === 0) {
        // Most often near the end, as after an election; sometimes far back, to before what is in memory.
        const kept = below(3) === 0 ? below(lines.length + 1) : Math.max(0, lines.length - below(30))
        await log.truncate(kept + 1)
        lines = lines.slice(0, kept)
        term++
      } else if (lines.length > 0) {
        const from = 1 + (below(2) === 0 ? below(lines.length) : Math.max(0, lines.length - 1 - below(3000)))
        const to = Math.min(lines.length, from + below(500))
        if (read(log, from, to) !== lines.slice(from - 1, to).join('')) t.fail(`step ${step}: ${from} to ${to} differ`)
      }
    }
    await log.flush()
    t.ok(lines.length > 3000, `${lines.length} lines`)
    t.equal(readFileSync(path, 'latin1'), lines.join(''))
    log.close()
  },
)

t.test('the bytes kept in memory are those of a plain buffer, whatever is appended, forgotten and cut', async t => {
  const random = seeded(2)
  const below = (limit: number) => Math.floor(random() * limit)
  for (let round = 0; round < 50; round++) {
    const begin = below(200)
    const recent = new RecentBytes(begin, 64)
    let plain = Buffer.alloc(begin)
    let forgotten = begin
    for (let step = 0; step < 200; step++) {
      const kind = below(8)
      if (kind < 4) {
        const more = Buffer.from(Array.from({ length: below(200) }, () => below(256)))
        const start = below(more.length + 1)
        recent.append(more, start, more.length)
        plain = Buffer.concat([plain, more.subarray(start)])
      } else if (kind < 6) {
        forgotten = Math.max(forgotten, Math.min(plain.length, forgotten + below(300)))
        recent.forget(forgotten)
      } else if (below(3) === 0) {
        // At times to before what is kept.
        plain = plain.subarray(0, Math.max(0, plain.length - below(400)))
        recent.truncate(plain.length)
        forgotten = Math.min(forgotten, plain.length)
      }
      if (recent.start > forgotten || recent.start < forgotten - 64) {
        if (recent.start !== begin) t.fail(`kept from ${recent.start}, forgotten to ${forgotten}`)
      }
      const start = recent.start + below(plain.length - recent.start + 1)
      const end = start + below(plain.length - start + 1)
      if (!recent.read(start, end).equals(plain.subarray(start, end)))
        t.fail(`round ${round}, step ${step}: bytes differ`)
    }
  }
  t.pass('50 rounds of 200 steps')
})

t.test('a full disk loses nothing: the flush fails, the entries stay readable, the next flush writes them', async t => {
  const path = join(folder, 'full.jsonl')
  const real = await realDisk.open(path)
  let full = false
  const file = faultyFile(real, { append: appendUnlessFull(real, () => full) })
  const log = new LogFile(file)
  log.append(entries(1, 3))
  await log.flush()
  full = true
  log.append(entries(4, 6))
  t.throws(() => log.flush(), { code: 'ENOSPC' })
  t.equal(read(log, 2, 5), entries(2, 5).map(lineOf).join(''))
  await log.truncate(6)
  full = false
  t.equal(await log.flush(), 5)
  log.close()
  t.equal((await openLog(path)).log.lastIndex, 5)
})

/** A log with a ring so short that a few dozen lines go round it. */
async function openRinged(path: string, syncedBytes = 0, change = (file: DiskFile): DiskFile => file, bytes = 4096) {
  const disk = { ...realDisk, open: async (name: string) => change(await realDisk.open(name)) }
  const log = new LogFile(await realDisk.open(path), await Ring.open(disk, `${path}.ring`, bytes))
  const lines: string[] = []
  await log.recover(syncedBytes, line => lines.push(line.text))
  return { log, lines }
}

/** What a power cut does to a log that is durable on the ring only. */
const loseTail = (path: string, { syncedBytes }: LogFile) => truncateSync(path, syncedBytes)
const newPath = () => join(folder, `${++files}.jsonl`)
const linesOf = (...parts: ReturnType<typeof entries>[]) => parts.flat().map(lineOf)

t.test('what a power cut takes of the log is put back from the ring, however often the log went round it', async t => {
  const path = newPath()
  let { log } = await openRinged(path)
  t.equal(statSync(`${path}.ring`).size, 4096)
  let next = 1
  for (let round = 0; round < 200; round++) {
    for (let batch = 0; batch < 1 + (round % 7); batch++) {
      const last = next + (round % 4)
      log.append(entries(next, last))
      t.equal(await log.flush(), last)
      next = last + 1
      if (log.checkpointDue) await log.checkpoint()
    }
    if (round % 10 > 0) continue
    const { syncedBytes } = log
    log.close()
    loseTail(path, log)
    const again = await openRinged(path, syncedBytes)
    t.same(again.lines, linesOf(entries(1, next - 1)), `round ${round}`)
    t.equal(readFileSync(path, 'latin1'), again.lines.join(''), 'the file is whole again')
    t.equal(again.log.syncedBytes, statSync(path).size)
    log = again.log
  }
  log.close()
})

t.test(
  'what is flushed at once is durable as a whole, also where only the first or the last of it is short enough for the ring',
  async t => {
    const noops = Array.from({ length: 400 }, (_, at) => sealer.seal(at + 1, 1, null))
    for (const [first, count] of [
      [entries(1, 400), 50],
      [noops, 400],
    ] as const) {
      const path = newPath()
      const { log } = await openRinged(path, 0, undefined, 1 << 18)
      const all = [...first, ...entries(401, 400 + count)]
      log.append(all)
      t.equal(await log.flush(), all.length)
      const { syncedBytes } = log
      log.close()
      loseTail(path, log)
      const again = await openRinged(path, syncedBytes, undefined, 1 << 18)
      t.same(again.lines, linesOf(all))
      again.log.close()
    }
  },
)

t.test('a checkpoint makes the log itself durable, and what was cut while it was under way does not count', async t => {
  const path = newPath()
  const { log } = await openRinged(path)
  log.append(entries(1, 5))
  await log.flush()
  t.match(log, { syncedBytes: 0, syncedIndex: 0 })
  const checkpoint = log.checkpoint()
  await log.truncate(4)
  await checkpoint
  t.match(log, { syncedBytes: log.offsetOf(4), syncedIndex: 3 })
  log.close()
})

t.test('a tail that was cut is not found again on the ring behind lines of the same length', async t => {
  for (const how of ['cut by a leader', 'cut by a start'] as const) {
    const path = newPath()
    const first = await openRinged(path)
    let { log } = first
    log.append(entries(1, 3, 1))
    log.append(entries(4, 5, 5))
    await log.flush()
    if (how === 'cut by a leader') await log.truncate(4)
    else {
      // The ring lost line 4, too, and what stands behind it was acknowledged to nobody.
      const ring = readFileSync(`${path}.ring`)
      ring[log.offsetOf(4) + 20] = 0
      log.close()
      writeFileSync(`${path}.ring`, ring)
      loseTail(path, log)
      const again = await openRinged(path)
      log = again.log
      t.equal(log.lastIndex, 3)
    }
    // Raft allows it: the entry of an older term comes from a leader that had no entry of term 5 (figure 8).
    log.append([entry(4, 4)])
    await log.flush()
    const { syncedBytes } = log
    log.close()
    loseTail(path, log)
    const last = await openRinged(path, syncedBytes)
    t.same(last.lines, linesOf(entries(1, 3, 1), [entry(4, 4)]), how)
    last.log.close()
  }
})

t.test('without room for a ring, or in it, the log itself is synced', async t => {
  const brace = '{'.charCodeAt(0)
  let full = true
  const cramped = (file: DiskFile) => {
    const write: DiskFile['write'] = (offset, bytes) => {
      if (full && bytes.includes(brace)) throw diskFull()
      file.write(offset, bytes)
    }
    return faultyFile(file, { append: appendUnlessFull(file, () => full), write })
  }
  const path = newPath()
  t.equal(await Ring.open({ ...realDisk, room: async () => 4096 }, `${path}.ring`, 4096), null)
  const none = await openRinged(path, 0, cramped)
  none.log.append(entries(1, 3))
  await none.log.flush()
  t.equal(none.log.syncedBytes, statSync(path).size)
  t.equal(statSync(`${path}.ring`).size, 0)
  none.log.close()
  full = false
  const { log } = await openRinged(path, 0, cramped)
  full = true
  log.append(entries(4, 5))
  t.equal(await log.flush(), 5)
  t.equal(log.syncedBytes, statSync(path).size)
  full = false
  const { syncedBytes } = log
  log.append(entries(6, 7))
  t.equal(await log.flush(), 7)
  t.equal(log.syncedBytes, syncedBytes, 'there is room again')
  log.close()
})

t.test('a ring that a full disk does not even let be written over is given up, and nothing is found on it', async t => {
  const path = newPath()
  let full = false
  const copyOnWrite = (file: DiskFile) => {
    const write: DiskFile['write'] = (offset, bytes) => {
      if (full) throw diskFull()
      file.write(offset, bytes)
    }
    return faultyFile(file, { write })
  }
  const { log } = await openRinged(path, 0, copyOnWrite)
  log.append(entries(1, 3, 1))
  log.append(entries(4, 5, 5))
  await log.flush()
  full = true
  await log.truncate(4)
  log.append([entry(4, 4)])
  t.equal(await log.flush(), 4)
  t.match(log, { syncedBytes: statSync(path).size, checkpointDue: false })
  log.close()
  const again = await openRinged(path, 0, copyOnWrite)
  t.same(again.lines, linesOf(entries(1, 3, 1), [entry(4, 4)]))
  again.log.append([entry(5, 4)])
  t.equal(await again.log.flush(), 5)
  t.equal(again.log.syncedBytes, statSync(path).size)
  again.log.close()
  full = false
  t.equal(statSync(`${path}.ring`).size, 0, 'it was made anew, but could not be emptied')
  const last = await openRinged(path)
  t.same(last.lines, linesOf(entries(1, 3, 1), entries(4, 5, 4)))
  t.equal(statSync(`${path}.ring`).size, 4096)
  last.log.close()
})

t.test('the log is synced by one at a time, and whoever comes meanwhile shares the next', async t => {
  const path = newPath()
  const real = await realDisk.open(path)
  let underWay = 0
  let syncs = 0
  const syncInThread = async () => {
    syncs++
    t.equal(++underWay, 1, 'alone')
    await real.syncInThread()
    underWay--
  }
  const sync = () => syncInThread()
  const log = new LogFile(faultyFile(real, { sync, syncInThread }), await Ring.open(realDisk, `${path}.ring`, 4096))
  await log.recover(0, () => {})
  syncs = 0
  log.append(entries(1, 3))
  await log.flush()
  t.equal(syncs, 0, 'the ring was enough')
  const checkpoints = [log.checkpoint()]
  log.append(entries(4, 500))
  const flushed = log.flush()
  checkpoints.push(log.checkpoint(), log.checkpoint())
  await Promise.all(checkpoints)
  t.equal(await flushed, 500)
  t.equal(syncs, 2)
  t.match(log, { syncedBytes: statSync(path).size, syncedIndex: 500 })
  log.close()
})

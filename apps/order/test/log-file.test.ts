import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { encodeFact, seal } from '../src/entry.ts'
import { realDisk } from '../src/raft-log/disk.ts'
import { LogFile, recentLinesMax } from '../src/raft-log/log-file.ts'
import { appendUnlessFull, faultyFile } from './faulty-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'bazaar-log-'))
t.teardown(() => rmSync(folder, { recursive: true }))
let files = 0

const entry = (index: number, term = 1) => {
  const fact = encodeFact({ type: 'stock', name: 'Tux', quantity: index, key: `k${index}` })
  return seal(index, term, fact)
}
const entries = (from: number, to: number, term = 1) =>
  Array.from({ length: to - from + 1 }, (_, at) => entry(from + at, term))

async function openLog(path = join(folder, `${++files}.jsonl`), syncedBytes = 0) {
  const log = new LogFile(await realDisk.open(path))
  const lines: string[] = []
  await log.recover(syncedBytes, line => lines.push(line))
  return { log, lines, path }
}

t.test('what is flushed is there after a restart, and can be read from memory and from the file', async t => {
  const { log, path } = await openLog()
  const count = 3 * recentLinesMax + 10
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
    again.log.lines(count + 4, count + 6),
    entries(count + 4, count + 6, 2)
      .map(({ line }) => line)
      .join(''),
  )
  t.equal(again.log.lines(7, 7), entry(7).line)
  t.same(
    again.log.lineList(7, 9),
    entries(7, 9).map(({ line }) => line),
  )
  again.log.close()
})

t.test('an unsynced tail is cut at its first bad line, wherever good ones follow', async t => {
  for (const [what, spoil] of [
    ['a torn line', (path: string) => truncateSync(path, statSync(path).size - 20)],
    [
      'a page of zeros before good lines',
      (path: string) => {
        const bytes = readFileSync(path)
        const start = entries(1, 7).reduce((sum, { line }) => sum + line.length, 0)
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
  log.append(entries(1, 3 * recentLinesMax))
  await log.flush()
  const bytes = readFileSync(path)
  bytes[log.offsetOf(2) + 30] = 0
  writeFileSync(path, bytes)
  t.throws(() => log.lines(1, 5), { name: 'RotError' })
  t.equal(log.lines(3, 3), entry(3).line)
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
  t.equal(readFileSync(path, 'latin1'), [...entries(1, 5, 1), ...entries(6, 8, 3)].map(({ line }) => line).join(''))
  t.same(log.termRuns, [
    { from: 1, term: 1 },
    { from: 6, term: 3 },
  ])
  await log.truncate(1)
  t.same([log.lastIndex, log.termRuns, statSync(path).size], [0, [], 0])
  log.append([entry(1, 4)])
  t.equal(log.lines(1, 1), entry(1, 4).line)
  log.close()
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
  t.equal(
    log.lines(2, 5),
    entries(2, 5)
      .map(({ line }) => line)
      .join(''),
  )
  await log.truncate(6)
  full = false
  t.equal(await log.flush(), 5)
  log.close()
  t.equal((await openLog(path)).log.lastIndex, 5)
})

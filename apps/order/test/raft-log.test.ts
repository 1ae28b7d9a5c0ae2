import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { type Clock, encodeFact, systemClock } from '@bazaar/client'
import type { Message } from '@bazaar/raft'
import { DurableJSONFile } from '@bazaar/service'
import type { Adapter } from 'lowdb'
import t, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { type Disk, type DiskFile, realDisk } from '../src/raft-log/disk.ts'
import { entriesPerAppendMax, messagesWaitingMax, noteMs, RaftLog } from '../src/raft-log/driver.ts'
import { recover } from '../src/raft-log/recovery.ts'
import { Sealer } from '../src/raft-log/sealer.ts'
import { StateFile, type StoredState } from '../src/raft-log/state-file.ts'
import { Ticker } from '../src/raft-log/ticker.ts'
import { type Transport, UnixTransport } from '../src/raft-log/transport.ts'
import { appendUnlessFull, diskFull, faultyFile } from './faulty-file.ts'
import { type Harness, type Member, replicatedLogSuite } from './replicated-log-suite.ts'

const members = [1, 2, 3]

interface RaftMember extends Member {
  readonly log: RaftLog
  readonly warnings: string[]
  readonly failures: Error[]
  stop(): Promise<void>
}

/** A disk whose files pass through `file`, for faults. */
function wrapped(file: (real: DiskFile) => DiskFile): Disk {
  return { ...realDisk, open: async path => file(await realDisk.open(path)) }
}

type StateAdapter = Adapter<StoredState | null>

async function startMember(
  data: string,
  id: number,
  disk = realDisk,
  state = (adapter: StateAdapter): StateAdapter => adapter,
  replicas = members.length,
  given?: Transport,
  clock: Clock = systemClock,
): Promise<RaftMember> {
  const folder = join(data, `order-${id}`)
  mkdirSync(folder, { recursive: true })
  const applied: string[] = []
  const warnings: string[] = []
  const failures: Error[] = []
  const { logFile, stateFile } = await recover({
    disk,
    logPath: join(folder, 'log.jsonl'),
    ringPath: join(folder, 'log.ring'),
    stateAdapter: state(await DurableJSONFile.open<StoredState | null>(join(folder, 'state.json'))),
    replicas,
    fold: {
      apply: line => void applied.push(line.text),
      reset: () => void applied.splice(0),
    },
    timestamp: () => 'now',
    warn: message => warnings.push(message),
  })
  const socketOf = (member: number): string => join(data, `${member}.sock`)
  const transport = given ?? new UnixTransport({ id, members, entriesPerAppendMax, clock, socketOf })
  const log = new RaftLog({
    id,
    members,
    nameOf: member => `order-${member}`,
    logFile,
    stateFile,
    transport,
    clock,
    random: Math.random,
    fatal: error => failures.push(error),
  })
  log.onCommitted = lines => {
    while (lines.next()) applied.push(lines.text)
  }
  await log.start()
  const stop = (): Promise<void> => log.stop()
  return { log, applied, warnings, failures, stop, crash: stop }
}

/** In a new cluster, a member has its vote a moment after it has caught up: without it two are no majority. */
const hasVote = ({ log }: RaftMember): boolean => log.status.role !== 'learner'

async function harness(): Promise<Harness> {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  const running = new Set<RaftMember>()
  return {
    async start(id) {
      const member = await startMember(data, id)
      running.add(member)
      return member
    },
    async founded() {
      await eventually('votes for all', () => [...running].every(hasVote))
    },
    wipe: async id => rmSync(join(data, `order-${id}`), { recursive: true }),
    async end() {
      for (const member of running) await member.stop()
      rmSync(data, { recursive: true })
    },
  }
}

t.test('Raft on local files is a replicated log', t => replicatedLogSuite(t, harness))

const fact = (key: string): string => encodeFact({ type: 'stock', name: 'Tux', quantity: 1, key })

async function cluster(disks: Partial<Record<number, Disk>> = {}) {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  const running = new Map<number, RaftMember>()
  for (const id of members) running.set(id, await startMember(data, id, disks[id]))
  t.teardown(async () => {
    for (const member of running.values()) await member.stop()
    rmSync(data, { recursive: true })
  })
  await eventually('votes for all', () => [...running.values()].every(hasVote))
  const leader = () =>
    eventually('a leader', () => [...running.values()].find(({ log }) => log.leadership.leading) ?? null)
  const path = (id: number): string => join(data, `order-${id}`, 'log.jsonl')
  const restart = async (id: number, meanwhile: () => void): Promise<RaftMember> => {
    await running.get(id)?.stop()
    meanwhile()
    const member = await startMember(data, id)
    running.set(id, member)
    return member
  }
  const identical = () =>
    eventually('identical files', () => {
      const hashes = members.map(id =>
        createHash('sha256')
          .update(readFileSync(path(id)))
          .digest('hex'),
      )
      return new Set(hashes).size === 1
    })
  const propose = async (facts: string[]): Promise<void> => {
    while ((await (await leader()).log.propose(facts).catch(() => null)) === null);
  }
  const voteAgain = (id: number) => eventually('a vote again', () => hasVote(running.get(id) as RaftMember))
  return { data, running, leader, path, restart, identical, propose, voteAgain }
}

t.test(
  'a replica whose log rotted sets it aside, does not vote until it has caught up, and ends identical',
  async t => {
    const { path, restart, identical, propose, voteAgain } = await cluster()
    await propose(Array.from({ length: 500 }, (_, at) => fact(`k${at}`)))
    await identical()
    for (const id of members) {
      const member = await restart(id, () => {
        const bytes = readFileSync(path(id))
        const middle = bytes.length >> 1
        bytes[middle] = (bytes[middle] as number) ^ 1
        writeFileSync(path(id), bytes)
      })
      t.match(member.warnings, [/is bad from byte .* set aside as .*corrupt-now/])
      await propose([fact(`after ${id}`)])
      await identical()
      await voteAgain(id)
    }
  },
)

t.test('a replica that lost its log says so at every start until others give it back', async t => {
  const { running, path, restart, propose, identical, voteAgain } = await cluster()
  await propose([fact('a')])
  await identical()
  for (const id of [2, 3]) await running.get(id)?.stop()
  t.match((await restart(1, () => rmSync(path(1)))).warnings, [/^log\.jsonl is gone: starting empty/])
  t.match((await restart(1, () => {})).warnings, [/^the log was lost before this start: starting empty/])
  for (const id of [2, 3]) await restart(id, () => {})
  await identical()
  await voteAgain(1)
  t.strictSame((await restart(1, () => {})).warnings, [])
})

t.test('a replica does not serve with another number of others than it was one of', async t => {
  const { data, running, propose } = await cluster()
  await propose([fact('a')])
  await running.get(1)?.stop()
  await t.rejects(
    startMember(data, 1, realDisk, adapter => adapter, 5),
    { message: /are those of one of 3 replicas/ },
  )
  // What the version before the note made its checksum of: a deployment that is rolled back reads this one's files.
  const path = join(data, 'order-1', 'state.json')
  const { replicas, replicasCrc, crc, ...state } = JSON.parse(readFileSync(path, 'utf8'))
  const { term, vote, voting, syncedBytes, commitIndex } = state
  t.strictSame([Object.keys(state).length, replicas, typeof replicasCrc], [5, 3, 'string'])
  const checked = JSON.stringify({ term, vote, voting, syncedBytes, commitIndex })
  t.equal(crc, crc32(checked).toString(16).padStart(8, '0'))
  writeFileSync(path, JSON.stringify({ ...state, crc }))
  const again = await startMember(data, 1)
  t.strictSame(again.warnings, [], 'and this one theirs')
  await again.stop()
})

t.test('a replica whose state is gone, or rotted, keeps its log but not its vote', async t => {
  const { data, restart, propose, identical, voteAgain } = await cluster()
  await propose([fact('a')])
  await identical()
  for (const spoil of [(path: string) => rmSync(path), (path: string) => writeFileSync(path, '{"term":0,"vote":2}')]) {
    const member = await restart(1, () => spoil(join(data, 'order-1', 'state.json')))
    t.match(member.warnings, [/state.json is missing or damaged/])
    await propose([fact('b')])
    await identical()
    await voteAgain(1)
  }
  t.notOk(readdirSync(join(data, 'order-1')).some(name => name.includes('corrupt')))
})

t.test('a state of before the log was written is as good as none', async t => {
  const { data, running, path, restart, propose, identical, voteAgain } = await cluster()
  await propose([fact('a')])
  await identical()
  const file = join(data, 'order-1', 'state.json')
  const old = readFileSync(file)
  const { term } = JSON.parse(old.toString())
  await eventually('a newer term', async () => {
    for (const id of [2, 3]) await restart(id, () => {})
    return (running.get(1) as RaftMember).log.leadership.term > term
  })
  await propose(Array.from({ length: 100 }, (_, at) => fact(`k${at}`)))
  await identical()
  const member = await restart(1, () => writeFileSync(file, old))
  t.match(member.warnings, [/^state\.json is older than log\.jsonl: this replica does not vote/])
  await propose([fact('b')])
  await identical()
  await voteAgain(1)

  const rotten = await restart(1, () => {
    writeFileSync(file, old)
    rmSync(join(data, 'order-1', 'log.ring'))
    const bytes = readFileSync(path(1))
    bytes[bytes.length - 10] = 0
    writeFileSync(path(1), bytes)
  })
  t.match(rotten.warnings, [/how much was synced is forgotten: set aside/])
  await identical()
  await voteAgain(1)
})

t.test('a bad line where the state is gone, too, cuts nothing off and founds no new shop', async t => {
  const { data, running, path, restart, propose, identical, voteAgain } = await cluster()
  await propose(Array.from({ length: 100 }, (_, at) => fact(`k${at}`)))
  await identical()
  const spoil = (id: number) => {
    rmSync(join(data, `order-${id}`, 'state.json'))
    rmSync(join(data, `order-${id}`, 'log.ring'))
    const bytes = readFileSync(path(id))
    bytes[10] = (bytes[10] as number) ^ 1
    writeFileSync(path(id), bytes)
    return bytes
  }
  const aside = (id: number) => readFileSync(`${path(id)}.corrupt-now`)
  let spoilt = Buffer.alloc(0)
  const member = await restart(1, () => {
    spoilt = spoil(1)
  })
  t.match(member.warnings, [
    /state.json is missing/,
    /is bad from byte 0 on, and how much was synced is forgotten: set aside/,
  ])
  t.equal(member.warnings.length, 2)
  t.ok(aside(1).equals(spoilt), 'the log is set aside as it was')
  await identical()
  await voteAgain(1)

  for (const id of members) await running.get(id)?.stop()
  const lost = await Promise.all(members.map(id => restart(id, () => spoil(id))))
  // Each has heard the others once its term is no guess any more: had they founded a new shop, it would be now.
  const stateOf = (id: number) => JSON.parse(readFileSync(join(data, `order-${id}`, 'state.json'), 'utf8'))
  await eventually('all to have heard each other', () => members.every(id => stateOf(id).vote === null))
  const restarted = await Promise.all(members.map(id => restart(id, () => {})))
  for (const [these, warning] of [
    [lost, /set aside as .*corrupt-now/],
    [restarted, /^the log was lost before this start/],
  ] as const) {
    for (const { log, warnings } of these) {
      t.strictSame([log.status.role, log.status.lastIndex], ['learner', 0])
      t.match(warnings.at(-1), warning)
    }
  }
})

t.test('a crash before a bad log is set aside changes nothing', async t => {
  const { data, running, path, restart, propose, identical, voteAgain } = await cluster()
  await propose(Array.from({ length: 100 }, (_, at) => fact(`k${at}`)))
  await identical()
  await running.get(1)?.stop()
  const folder = join(data, 'order-1')
  const flip = (place: number) => {
    const bytes = readFileSync(path(1))
    bytes[place] = (bytes[place] as number) ^ 1
    writeFileSync(path(1), bytes)
    return bytes
  }
  const rename = () => Promise.reject(new Error('crash'))
  for (const lose of [() => rmSync(join(folder, 'state.json')), () => {}]) {
    lose()
    rmSync(join(folder, 'log.ring'))
    const spoilt = flip(2_000)
    await t.rejects(startMember(data, 1, { ...realDisk, rename }), { message: 'crash' })
    t.ok(readFileSync(path(1)).equals(spoilt))
    t.match((await restart(1, () => {})).warnings.at(-1), /set aside/)
    t.ok(readFileSync(`${path(1)}.corrupt-now`).equals(spoilt))
    await identical()
    await voteAgain(1)
    await running.get(1)?.stop()
  }
})

t.test('a log that goes bad while its replica knows no term founds no new shop either', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  t.teardown(() => rmSync(data, { recursive: true }))
  const alone = async () => startMember(data, 1, realDisk, undefined, 3)
  const folder = join(data, 'order-1')
  mkdirSync(folder, { recursive: true })
  const line = new Sealer().seal(1, 4, fact('a'))
  writeFileSync(join(folder, 'log.jsonl'), Buffer.from(line.bytes).subarray(line.start, line.end))
  await (await alone()).stop()
  const stateOf = () => JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'))
  t.match(stateOf(), { term: 0, vote: null, voting: false }, 'the state was lost, and nobody has told it yet')
  const bytes = readFileSync(join(folder, 'log.jsonl'))
  bytes[10] = (bytes[10] as number) ^ 1
  writeFileSync(join(folder, 'log.jsonl'), bytes)
  rmSync(join(folder, 'log.ring'))
  const member = await alone()
  t.match(member.warnings, [/set aside/])
  await member.stop()
  t.match(stateOf(), { term: 1, vote: 0, voting: false })
})

t.test('an fsync that fails is final: the replica acknowledges nothing and asks to be ended', async t => {
  let broken = false
  const failure = () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
  const disk = wrapped(real => faultyFile(real, { sync: () => (broken ? failure() : real.sync()) }))
  const { leader, propose } = await cluster({ 1: disk, 2: disk, 3: disk })
  await propose([fact('a')])
  const { log, failures } = await leader()
  broken = true
  await t.rejects(log.propose([fact('b')]))
  const [last] = await eventually('the leader to fail', () => (failures.length > 0 ? failures : null))
  t.match(last, /fdatasync of the log failed: i\/o error/)
})

t.test('a note for which there was no room is made later', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  t.teardown(() => rmSync(data, { recursive: true }))
  const refused = new Map<number, number>()
  let full = false
  const spoiled = (adapter: StateAdapter, id: number): StateAdapter => ({
    read: () => adapter.read(),
    async write(state) {
      if (full) refused.set(id, state?.commitIndex ?? 0)
      if (full) throw diskFull()
      await adapter.write(state)
    },
  })
  const running = await Promise.all(members.map(id => startMember(data, id, realDisk, adapter => spoiled(adapter, id))))
  const { log } = await eventually('a leader', () => running.find(({ log }) => log.leadership.leading) ?? null)
  const stateOf = (id: number) => JSON.parse(readFileSync(join(data, `order-${id}`, 'state.json'), 'utf8'))
  // A vote that found no room would hold its member up.
  const { term } = log.leadership
  const isSettled = (id: number) => stateOf(id).voting && stateOf(id).term === term
  await eventually('every vote to be saved', () => members.every(isSettled))
  full = true
  const index = await log.propose([fact('a')])
  const isRefused = (id: number) => (refused.get(id) ?? 0) >= index
  await eventually('every note to be refused', () => members.every(isRefused))
  full = false
  for (const member of running) await member.stop()
  for (const id of members) {
    t.ok(stateOf(id).commitIndex >= index, `order-${id}`)
  }
  await t.rejects(log.barrier(), { reason: 'NOT_LEADER' } as unknown as Error, 'nothing is confirmed after the end')
})

/** A transport that notes what is sent. */
function noted(): { sent: Message[]; transport: Transport } {
  const sent: Message[] = []
  const transport: Transport = {
    send: message => void sent.push(message),
    onMessage: () => {},
    onConnected: () => {},
    onClosed: () => {},
    start: async () => {},
    stop: async () => {},
    release: async () => {},
  }
  return { sent, transport }
}

/** A follower whose disk, state file and notes the test holds up, and who is sent entries by hand. */
async function followerByHand(t: Test) {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  t.teardown(() => rmSync(data, { recursive: true }))
  const { sent, transport } = noted()
  const syncs: (() => void)[] = []
  const hands = {
    isSlow: false,
    isBroken: false,
    syncs: 0,
    now: systemClock.now,
    saving: async (_state: StoredState | null) => {},
    note: () => {},
  }
  const disk = wrapped(real =>
    faultyFile(real, {
      sync() {
        hands.syncs++
        if (hands.isBroken) throw new Error('EIO')
        return hands.isSlow ? new Promise(resolve => syncs.push(resolve)) : real.sync()
      },
    }),
  )
  const state = (adapter: StateAdapter): StateAdapter => ({
    read: () => adapter.read(),
    async write(written) {
      await hands.saving(written)
      await adapter.write(written)
    },
  })
  const setTimer: Clock['setTimer'] = (callback, delayMs) => {
    if (delayMs !== noteMs) return systemClock.setTimer(callback, delayMs)
    hands.note = callback
    return null
  }
  const member = await startMember(data, 1, disk, state, members.length, transport, {
    now: () => hands.now(),
    setTimer,
    clearTimer: systemClock.clearTimer,
  })
  for (const from of [2, 3]) {
    transport.onMessage({ type: 'preVoteResponse', from, to: 1, term: 1, granted: false, lastIndex: 2 })
  }
  const sealer = new Sealer()
  const append = (from: number, term: number, first = 1, commitIndex = 0): void => {
    const entries = [first, first + 1].map(index => sealer.seal(index, term, null))
    const place = {
      prevIndex: first - 1,
      prevTerm: first === 1 ? 0 : term,
      count: 2,
      entries,
      commitIndex,
      round: 1,
    }
    transport.onMessage({ type: 'appendRequest', from, to: 1, term, ...place })
  }
  const syncsBegun = (count: number) => eventually(`sync ${count}`, () => syncs.length >= count)
  const acknowledged = () =>
    sent.flatMap(message => (message.type === 'appendResponse' && message.accepted ? [message.matchIndex] : []))
  return { data, member, hands, append, syncs, syncsBegun, acknowledged }
}

for (const ends of ['before the cut', 'after it']) {
  t.test(`a sync of entries that are overwritten meanwhile, which ends ${ends}, says nothing of the next`, async t => {
    const { member, hands, append, syncs, syncsBegun, acknowledged } = await followerByHand(t)
    hands.isSlow = true
    append(2, 1)
    await syncsBegun(1)
    hands.saving = async () => {
      if (ends === 'before the cut') syncs[0]?.()
    }
    append(3, 2)
    // The ring forgets the first two.
    await syncsBegun(2)
    syncs[1]?.()
    await eventually('the new term', () => member.log.leadership.term === 2)
    syncs[0]?.()
    await syncsBegun(3)
    t.strictSame(acknowledged(), [])
    syncs[2]?.()
    await eventually('the entries to be acknowledged', () => acknowledged().length > 0)
    t.strictSame(acknowledged(), [2])
    hands.isSlow = false
    await member.stop()
  })
}

t.test('a replica that stops waits for all that was appended, also during its last sync', async t => {
  const { data, member, hands, append, syncs, syncsBegun } = await followerByHand(t)
  hands.isSlow = true
  append(2, 1)
  await syncsBegun(1)
  append(2, 1, 3)
  const stopped = member.stop()
  hands.isSlow = false
  syncs[0]?.()
  await stopped
  t.match(readFileSync(join(data, 'order-1', 'log.jsonl'), 'latin1'), /"index":4,/)
})

t.test('a replica that lacks what is committed elsewhere syncs now and then', async t => {
  const { data, member, hands, append, acknowledged } = await followerByHand(t)
  let nowMs = systemClock.now()
  hands.now = () => nowMs
  const syncsOf = (act: () => void): number => {
    const before = hands.syncs
    act()
    return hands.syncs - before
  }
  const appendAll = (from: number, to: number) => {
    for (let first = from; first < to; first += 2) append(2, 1, first, 100)
  }
  append(2, 1, 1, 2)
  await eventually('a vote', () => hasVote(member))
  // Refused, once the vote is saved.
  await member.log.barrier().catch(() => {})
  t.equal(
    syncsOf(() => appendAll(3, 60)),
    1,
    'then once',
  )
  await eventually('its end', () => acknowledged().length > 1)
  t.strictSame(acknowledged(), [2, 4])
  const before = hands.syncs
  nowMs += 20
  await eventually('the others to be acknowledged', () => acknowledged().at(-1) === 60)
  t.equal(hands.syncs - before, 1, 'and once more for all that have come in 20 ms')
  t.equal(
    syncsOf(() => appendAll(61, 98)),
    0,
  )
  t.equal(
    syncsOf(() => append(2, 1, 99, 100)),
    1,
    'at once, when nothing lacks any more',
  )
  await eventually('its end', () => acknowledged().at(-1) === 100)
  nowMs += 20
  append(2, 1, 101, 200)
  t.equal(
    syncsOf(() => append(2, 1, 103, 200)),
    0,
  )
  await member.stop()
  t.match(
    readFileSync(join(data, 'order-1', 'log.jsonl'), 'latin1'),
    /"index":104,/,
    'and what waited at the end is kept',
  )
})

t.test('a disk that fails under a replica that lacks what is committed elsewhere ends it, or its stop', async t => {
  const deferred = async () => {
    const follower = await followerByHand(t)
    let nowMs = systemClock.now()
    follower.hands.now = () => nowMs
    follower.append(2, 1, 1, 100)
    await eventually('the first entries', () => follower.acknowledged().length > 0)
    follower.append(2, 1, 3, 100)
    t.strictSame(follower.acknowledged(), [2])
    follower.hands.isBroken = true
    const pass = (ms: number) => {
      nowMs += ms
    }
    return { ...follower, pass }
  }
  const running = await deferred()
  running.pass(20)
  await eventually('the end', () => running.member.failures.length > 0)
  t.match(running.member.failures, [{ message: /^fdatasync of the log failed: EIO$/ }])
  const stopping = await deferred()
  await stopping.member.stop()
  t.strictSame(stopping.member.failures, [], 'what was not acknowledged need not be kept')
})

t.test('while the log is cut nobody notes how long it was', async t => {
  const { member, hands, append, acknowledged } = await followerByHand(t)
  const noted: number[] = []
  hands.saving = async state => {
    noted.push(state?.syncedBytes ?? 0)
    // The note of the cut is under way.
    if (noted.at(-2) !== 0 && noted.at(-1) === 0) hands.note()
  }
  append(2, 1)
  await eventually('the first entries', () => acknowledged().length === 1)
  hands.note()
  await eventually('a note', () => (noted.at(-1) ?? 0) > 0)
  append(3, 2)
  await eventually('the next entries', () => acknowledged().length === 2)
  t.equal(noted.at(-1), 0)
  await member.stop()
})

t.test('a state counts as saved once it is on disk itself, not the one before', async t => {
  const writes: (() => void)[] = []
  const adapter = { read: async () => null, write: () => new Promise<void>(resolve => writes.push(resolve)) }
  const { file } = await StateFile.open(adapter, members.length)
  const begun = (count: number) => eventually(`write ${count}`, () => writes.length >= count)
  const first = file.save({ term: 1 })
  await begun(1)
  const second = file.save({ term: 2 })
  writes[0]?.()
  await first
  t.notOk(file.saved)
  await begun(2)
  writes[1]?.()
  await second
  t.ok(file.saved)
})

t.test('what comes while a vote cannot be saved waits, but not without end', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  t.teardown(() => rmSync(data, { recursive: true }))
  const room = Promise.withResolvers<void>()
  const { sent, transport } = noted()
  let saves = 0
  const slow = (adapter: StateAdapter): StateAdapter => ({
    read: () => adapter.read(),
    // The first is a new replica's own.
    write: state => (++saves === 1 ? adapter.write(state) : room.promise.then(() => adapter.write(state))),
  })
  const member = await startMember(data, 1, realDisk, slow, members.length, transport)
  const from = { from: 2, to: 1, lastIndex: 0, lastTerm: 0 }
  transport.onMessage({ type: 'voteRequest', term: 5, ...from })
  transport.onMessage({ type: 'voteRequest', term: 5, ...from, from: 3 })
  for (let count = 0; count < 1000; count++) transport.onMessage({ type: 'preVoteRequest', term: 6, ...from })
  room.resolve()
  const answers = () => sent.filter(({ type }) => type === 'preVoteResponse').length
  await eventually('the rest to be answered', () => answers() > 0)
  t.ok(answers() <= messagesWaitingMax, `${answers()} answered`)
  await member.stop()
})

// A disk without room, a quota that is used up, a file that may not grow (`ulimit -f`).
for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
  t.test(`a full disk (${code}) is told, reads go on, and what waits is committed when there is room`, async t => {
    let full = false
    const disk = wrapped(real => faultyFile(real, { append: appendUnlessFull(real, () => full, code) }))
    const { leader, propose, identical, running } = await cluster({ 1: disk, 2: disk, 3: disk })
    await propose([fact('a')])
    const { log } = await leader()
    full = true
    const waiting = log.propose([fact('b')])
    await eventually('the leader to see that the disk is full', () => !log.accepting)
    await log.barrier()
    t.match(log.lines(2, 2).toString('latin1'), /"key":"a"/, 'reads go on')
    full = false
    t.equal(await waiting, 3, 'what waited is committed when there is room')
    await eventually('the leader to see that there is room', () => log.accepting)
    await identical()
    for (const { failures } of running.values()) t.same(failures, [])
  })
}

t.test('ticks are counted late, all together, and the replica wakes up only for the one that is due', async t => {
  let nowMs = 1000.3
  let timer: { atMs: number; callback: () => void } | null = null
  const clock: Clock = {
    now: () => nowMs,
    setTimer: (callback, delayMs) => {
      timer = { atMs: nowMs + delayMs, callback }
      return timer
    },
    clearTimer: () => {
      timer = null
    },
  }
  let looks = 0
  const ticker = new Ticker(clock, () => looks++)
  const pass = (ms: number) => {
    nowMs += ms
    if (timer !== null && timer.atMs <= nowMs) {
      const { callback } = timer
      timer = null
      callback()
    }
  }
  const takes = (ms: number, expected: { looks: number; ticks: number }, message: string) => {
    pass(ms)
    t.same({ looks, ticks: ticker.take() }, expected, message)
  }
  ticker.lookAfter(3)
  takes(29.6, { looks: 0, ticks: 2 }, 'something else happened before: two ticks have passed')
  ticker.lookAfter(25)
  takes(0.9, { looks: 1, ticks: 1 }, 'a timer that is set is left alone')
  ticker.lookAfter(25)
  ticker.lookAfter(1)
  takes(11, { looks: 2, ticks: 1 }, 'unless it is too late')
  ticker.lookAfter(25)
  takes(250, { looks: 3, ticks: 25 }, 'a silence that was waited for counts as a whole')
  ticker.lookAfter(25)
  takes(60_000, { looks: 4, ticks: 24 }, 'a process that was stopped has not listened: it does not act before it does')
  ticker.lookAfter(1)
  takes(10, { looks: 5, ticks: 1 }, 'and then it goes on')
  ticker.lookAfter(2)
  takes(70, { looks: 6, ticks: 1 }, 'one look may be late')
  ticker.lookAfter(1)
  takes(5, { looks: 6, ticks: 0 }, 'whatever happens before the next')
  takes(55, { looks: 7, ticks: 6 }, 'two in a row count: it is the machine that is slow, and time goes on')
  ticker.lookAfter(1)
  takes(60, { looks: 8, ticks: 6 }, 'and the third')
  ticker.lookAfter(1)
  takes(10, { looks: 9, ticks: 1 }, 'one comes in time')
  ticker.lookAfter(1)
  takes(60, { looks: 10, ticks: 0 }, 'after which one may be late again')
  ticker.lookAfter(1)
  ticker.stop()
  pass(100)
  t.equal(looks, 10)
})

t.test('a second process on the folder of a replica ends before it touches anything', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-claim-'))
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const start = () => {
    const env = { BAZAAR_NAME: 'order-1', BAZAAR_DATA: data, BAZAAR_REPLICAS: '1' }
    return spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const first = start()
  const ended = once(first, 'exit')
  t.teardown(async () => {
    first.kill('SIGKILL')
    await ended
    rmSync(data, { recursive: true })
  })
  const log = join(data, 'order-1', 'log.jsonl')
  await eventually('the first has written', () => existsSync(log) && readFileSync(log).length > 0)
  // Even when it is stopped, and so cannot say that it is there.
  first.kill('SIGSTOP')
  const before = { log: readFileSync(log), inProgress: join(data, 'order-1', 'state.json.tmp') }
  writeFileSync(before.inProgress, 'of the first')
  const second = start()
  const [[status], ...said] = await Promise.all([once(second, 'exit'), text(second.stderr), text(second.stdout)])
  t.equal(status, 1)
  t.match(said.join(''), /order-1\.peer\.sock: another process listens there/)
  t.ok(readFileSync(log).equals(before.log))
  t.equal(readFileSync(before.inProgress, 'utf8'), 'of the first')
  rmSync(before.inProgress)
  // The first goes on, and gives its place up when it stops.
  first.kill('SIGCONT')
  first.kill('SIGTERM')
  t.same(await ended, [0, null])
  t.notOk(existsSync(join(data, 'order-1.peer.sock')))
})

t.test('where every timer comes late, a silent leader is missed all the same', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-raft-'))
  const lateMs = () => 45 + 30 * Math.random()
  const late: Clock = { ...systemClock, setTimer: (call, delayMs) => systemClock.setTimer(call, delayMs + lateMs()) }
  const socketOf = (member: number): string => join(data, `${member}.sock`)
  const transports = members.map(
    id => new UnixTransport({ id, members, entriesPerAppendMax, clock: systemClock, socketOf }),
  )
  const running = await Promise.all(
    members.map((id, place) => startMember(data, id, realDisk, undefined, undefined, transports[place], late)),
  )
  t.teardown(async () => {
    for (const member of running) await member.stop()
    rmSync(data, { recursive: true })
  })
  const leads = ({ log }: RaftMember): boolean => log.leadership.leading
  await eventually('a leader, and votes for all', () => running.some(leads) && running.every(hasVote))
  const leader = running.findIndex(leads)
  // As of a process that was stopped: its connections stay open.
  for (const transport of transports.slice(leader, leader + 1)) transport.send = () => {}
  const others = running.toSpliced(leader, 1)
  await eventually('another leader', () => others.some(leads))
})

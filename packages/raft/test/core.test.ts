import { test } from 'tap'
import type { MemberId } from '../src/index.ts'
import { Log } from '../src/log.ts'
import { majorityValue, quorumSize } from '../src/quorum.ts'
import { Cluster, defaultTuning } from './cluster.ts'
import { generator, Simulation } from './simulation.ts'

test('a quorum is more than half of the members', async t => {
  t.same([1, 2, 3, 4, 5].map(quorumSize), [1, 2, 2, 3, 3])
})

test('the majority value is the highest that more than half have reached', async t => {
  t.equal(majorityValue([7]), 7)
  t.equal(majorityValue([7, 3]), 3)
  t.equal(majorityValue([1, 9, 5]), 5)
  t.equal(majorityValue([5, 5, 0]), 5)
  t.equal(majorityValue([0, 0, 9]), 0)
  t.equal(majorityValue([4, 1, 3, 2]), 2)
  t.equal(majorityValue([1, 2, 3, 4, 5]), 3)
})

test('the log knows the term of every index', async t => {
  const log = new Log(6, [
    { from: 1, term: 1 },
    { from: 3, term: 4 },
    { from: 6, term: 5 },
  ])
  t.same(
    [0, 1, 2, 3, 4, 5, 6].map(index => log.termAt(index)),
    [0, 1, 1, 4, 4, 4, 5],
  )
  t.equal(log.termAt(7), null)
  t.equal(log.termAt(-1), null)
  t.equal(log.lastTerm, 5)
})

test('the log finds the last index of at most a term', async t => {
  const log = new Log(6, [
    { from: 1, term: 1 },
    { from: 3, term: 4 },
    { from: 6, term: 5 },
  ])
  t.equal(log.lastIndexWithin(0, 6), 0)
  t.equal(log.lastIndexWithin(1, 6), 2)
  t.equal(log.lastIndexWithin(3, 6), 2)
  t.equal(log.lastIndexWithin(4, 6), 5)
  t.equal(log.lastIndexWithin(4, 4), 4)
  t.equal(log.lastIndexWithin(9, 6), 6)
  t.equal(new Log(0, []).lastIndexWithin(9, 0), 0)
})

test('the log grows and is truncated by whole runs and parts of them', async t => {
  const log = new Log(0, [])
  for (const [position, term] of [1, 1, 2, 2, 5].entries()) log.append({ index: position + 1, term })
  t.equal(log.lastIndex, 5)
  log.truncate(4)
  t.same([log.lastIndex, log.lastTerm, log.termAt(4)], [3, 2, null])
  log.truncate(3)
  t.same([log.lastIndex, log.lastTerm], [2, 1])
  log.append({ index: 3, term: 6 })
  t.same(
    [1, 2, 3].map(index => log.termAt(index)),
    [1, 1, 6],
  )
  log.truncate(1)
  t.same([log.lastIndex, log.lastTerm], [0, 0])
})

test('the log refuses what cannot be', async t => {
  const log = new Log(2, [{ from: 1, term: 3 }])
  t.throws(() => log.append({ index: 4, term: 3 }), /follows the last index, got 4/)
  t.throws(() => log.append({ index: 3, term: 2 }), /terms never fall along the log, got 2/)
  t.throws(() => log.truncate(3), /within the log of 2, got 3/)
  t.throws(() => new Log(2, []), /first run/)
  t.throws(() => new Log(2, [{ from: 3, term: 1 }]), /first run/)
})

test('the more up-to-date log is the one with the later term, then the longer one', async t => {
  const log = new Log(2, [{ from: 1, term: 3 }])
  t.equal(log.isCoveredBy(2, 3), true)
  t.equal(log.isCoveredBy(1, 4), true)
  t.equal(log.isCoveredBy(1, 3), false)
  t.equal(log.isCoveredBy(9, 2), false)
})

const failover = { heartbeatTicks: 4, idleHeartbeatTicks: 8, electionTicks: 25, preferenceTicks: 5, jitterTicks: 5 }

/** Elects a leader, lets `lose` take it away, and returns in how many ticks each seed has another one. */
function ticksToReplace(lose: (cluster: Cluster, leader: MemberId, random: () => number) => void): number[] {
  return Array.from({ length: 200 }, (_, seed) => {
    const random = generator(seed)
    const hardState = { term: 0, vote: null, voting: true }
    const tuning = { ...defaultTuning, ...failover, random }
    const cluster = new Cluster(3, tuning, () => ({ hardState, entries: [] }))
    const leads = (id: MemberId) => cluster.replica(id).raft?.role === 'leader' && !cluster.replica(id).paused
    const pass = (): void => {
      for (const id of [...cluster.members].sort(() => random() - 0.5)) {
        if (!cluster.replica(id).paused) cluster.step(id, { type: 'tick' })
        cluster.settle()
      }
    }
    const ticksUntilLed = (): number => {
      const ticksMax = 200
      for (let ticks = 0; ticks < ticksMax; ticks += 1) {
        if (cluster.members.some(leads)) return ticks
        pass()
      }
      throw new Error(`no leader within ${ticksMax} ticks, seed ${seed}`)
    }
    // Another first leader than the preferred one, in half of the runs.
    if (random() < 0.5) cluster.replica(3).paused = true
    ticksUntilLed()
    cluster.replica(3).paused = false
    for (let ticks = 0; ticks < 20; ticks += 1) pass()
    const leader = cluster.members.find(leads)
    if (leader === undefined) throw new Error(`no leader, seed ${seed}`)
    lose(cluster, leader, random)
    return ticksUntilLed()
  })
}

test('a leader to which nothing is proposed sends fewer heartbeats, and as many as before once something is', async t => {
  const hardState = { term: 0, vote: null, voting: true }
  const sentAt: number[] = []
  let tick = 0
  const cluster = new Cluster(
    3,
    { ...defaultTuning, ...failover },
    () => ({ hardState, entries: [] }),
    (_replica, _event, effects) => {
      if (effects.send.some(({ type, to }) => type === 'appendRequest' && to === 1)) sentAt.push(tick)
    },
  )
  /** The ticks, counted from the first, at which the least preferred member is sent something. */
  const passTicks = (count: number): number[] => {
    sentAt.length = 0
    for (tick = 1; tick <= count; tick += 1) {
      for (const id of cluster.members) cluster.step(id, { type: 'tick' })
      cluster.settle()
    }
    return [...sentAt]
  }
  passTicks(60)
  t.equal(cluster.replica(3).raft?.role, 'leader')
  const idle = passTicks(32)
  t.strictSame(
    idle.slice(1).map((at, place) => at - (idle[place] as number)),
    [8, 8, 8],
  )
  passTicks(8 - (32 - (idle.at(-1) as number)))
  tick = 0
  cluster.step(3, { type: 'propose', payloads: ['something'] })
  cluster.settle()
  t.strictSame(passTicks(32), [4, 8, 16, 24, 32], 'the entry, what is committed, and then silence again')
  t.equal(cluster.replica(1).commitIndex, cluster.replica(3).commitIndex)
})

test('a killed leader is replaced within three ticks of its closed connections', async t => {
  const ticks = ticksToReplace((cluster, leader, random) => {
    cluster.crash(leader)
    const others = cluster.members.filter(id => id !== leader).sort(() => random() - 0.5)
    for (const other of others) {
      cluster.step(other, { type: 'closed', member: leader })
      cluster.settle()
    }
  })
  t.ok(Math.max(...ticks) <= 3, `${Math.max(...ticks)} ticks at most`)
})

test('a paused leader is replaced within two election timeouts', async t => {
  const ticks = ticksToReplace((cluster, leader) => {
    cluster.replica(leader).paused = true
  })
  t.ok(Math.max(...ticks) <= 2 * failover.electionTicks, `${Math.max(...ticks)} ticks at most`)
  const average = ticks.reduce((sum, value) => sum + value, 0) / ticks.length
  t.comment(`${average} ticks on average`)
})

test('whatever happens, one log is agreed on, and once all is mended it grows', async t => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  const runs = Number(process.env.RUNS ?? 1000)
  const actions = Number(process.env.ACTIONS ?? 1000)
  t.comment(`SEED=${seed} RUNS=${runs} ACTIONS=${actions}`)
  let committed = 0
  for (let run = seed; run < seed + runs; run += 1) {
    const simulation = new Simulation(run)
    try {
      for (let action = 0; action < actions; action += 1) simulation.act()
      simulation.heal()
    } catch (error) {
      t.comment(simulation.weather)
      t.fail(`SEED=${run} RUNS=1 ACTIONS=${actions}: ${(error as Error).stack}`)
      return
    }
    committed += simulation.cluster.committed.length
  }
  t.comment(`${committed} entries committed`)
  t.ok(committed > runs)
})

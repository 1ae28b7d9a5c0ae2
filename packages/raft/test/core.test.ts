import { test } from 'tap'
import { Log } from '../src/log.ts'
import { majorityValue, quorumSize } from '../src/quorum.ts'
import { Simulation } from './simulation.ts'

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
  for (const [position, term] of [1, 1, 2, 2, 5].entries()) log.append({ index: position + 1, term, line: '' })
  t.equal(log.lastIndex, 5)
  log.truncate(4)
  t.same([log.lastIndex, log.lastTerm, log.termAt(4)], [3, 2, null])
  log.truncate(3)
  t.same([log.lastIndex, log.lastTerm], [2, 1])
  log.append({ index: 3, term: 6, line: '' })
  t.same(
    [1, 2, 3].map(index => log.termAt(index)),
    [1, 1, 6],
  )
  log.truncate(1)
  t.same([log.lastIndex, log.lastTerm], [0, 0])
})

test('the log refuses what cannot be', async t => {
  const log = new Log(2, [{ from: 1, term: 3 }])
  t.throws(() => log.append({ index: 4, term: 3, line: '' }), /follows the last index, got 4/)
  t.throws(() => log.append({ index: 3, term: 2, line: '' }), /terms never fall along the log, got 2/)
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

test('whatever happens, one log is agreed on, and once all is mended it grows', async t => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  const runs = Number(process.env.RUNS ?? 150)
  const actions = Number(process.env.ACTIONS ?? 2000)
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

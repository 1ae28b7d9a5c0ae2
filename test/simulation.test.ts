import t, { type Test } from 'tap'
import { tryCrashPoints } from './simulation/crash-points.ts'
import { plantedBugs } from './simulation/planted-bugs.ts'
import { shrink } from './simulation/shrink.ts'
import { type Outcome, simulate } from './simulation/simulation.ts'

/** `bazaar test` and `bazaar test --soak`; a planted bug has to be found within the seeds of the former. */
const usualSeeds = 500
const seeds = process.env.BAZAAR_SOAK === '1' ? 10_000 : usualSeeds
/** Lines of the trace that a failure shows. */
const traceLinesShown = 40

t.test('a run of one seed twice is one and the same, message by message', async t => {
  for (let seed = 1; seed <= 5; seed++) {
    const [one, other] = [await simulate({ seed }), await simulate({ seed })]
    t.same([other.trace, other.digest, other.events], [one.trace, one.digest, one.events], `seed ${seed}`)
  }
})

t.test(`I1–I7 hold and progress is made in ${seeds} runs with faults of every kind`, async t => {
  const totals = { events: 0, operations: 0, orders: 0, faults: 0 }
  for (let seed = 1; seed <= seeds; seed++) {
    const outcome = await simulate({ seed })
    totals.events += outcome.events
    totals.operations += outcome.operations
    totals.orders += outcome.orders
    totals.faults += outcome.plan.length
    if (outcome.violation !== null) await explain(t, outcome)
  }
  const { operations, orders, faults, events } = totals
  t.comment(`${seeds} seeds: ${operations} operations, ${orders} orders, ${faults} faults, ${events} events`)
  t.ok(orders > seeds * 20 && faults > seeds * 5, 'the runs were worth their while')
})

t.test(`every planted bug is found within ${usualSeeds} seeds`, async t => {
  for (const [name, bug] of Object.entries(plantedBugs)) {
    let seed = 1
    let outcome = await simulate({ seed, bug })
    while (outcome.violation === null && seed < usualSeeds) outcome = await simulate({ seed: ++seed, bug })
    const found = outcome.violation?.split('\n')[0]?.slice(0, 100)
    t.ok(found, `${name.padEnd(48)} seeds needed: ${String(seed).padStart(3)}  ${found}`)
  }
})

t.test('a power cut before any write of a script, whatever it leaves, loses and doubles no order', async t => {
  const { points, images } = await tryCrashPoints()
  t.comment(`${points} moments, ${images} different disks`)
  t.ok(points > 100 && images > 500)
  for (const name of [
    'no fsync',
    'a follower acknowledges before its fsync',
    'truncation of a committed entry',
    'a start does not look into the ring',
  ]) {
    await t.rejects(tryCrashPoints(plantedBugs[name]), { name: 'Violation' }, `${name} is found`)
  }
})

/** What somebody needs who is to mend it: the faults it takes, the end of the trace, the command. */
async function explain(t: Test, { seed, violation }: Outcome): Promise<void> {
  const smallest = await shrink(await simulate({ seed }), { seed })
  const faults = smallest.plan.map(({ at, fault }) => `${at.toFixed(3)} ${JSON.stringify(fault)}`)
  for (const line of [...faults, ...smallest.trace.slice(-traceLinesShown)]) t.comment(line)
  t.comment(`replay: node test/simulation/replay.ts ${seed} --shrink --trace`)
  t.fail(`seed ${seed}: ${violation}`)
}

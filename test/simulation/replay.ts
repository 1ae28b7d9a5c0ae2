import { parseArgs } from 'node:util'
import { plantedBugs } from './planted-bugs.ts'
import { shrink } from './shrink.ts'
import { type Outcome, simulate } from './simulation.ts'

const usage = `node test/simulation/replay.ts SEED [--to SEED] [--trace] [--messages] [--shrink] [--bug NAME]

Replays a run, or all up to another seed.
  --trace     everything that happened
  --messages  the messages between replicas too
  --shrink    if it fails: with as few faults as will do
  --bug NAME  with a planted bug: ${Object.keys(plantedBugs).join('; ')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: 'string' },
    trace: { type: 'boolean', default: false },
    messages: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    bug: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit()
}
const first = Number(positionals[0])
const last = Number(values.to ?? first)
const bug = values.bug === undefined ? {} : plantedBugs[values.bug]
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || bug === undefined) {
  console.error(usage)
  process.exit(2)
}

const totals = { seeds: 0, failed: 0, events: 0, operations: 0, orders: 0 }
for (let seed = first; seed <= last; seed++) {
  const options = { seed, bug, withMessages: values.messages }
  let outcome = await simulate(options)
  if (outcome.violation !== null && values.shrink) outcome = await shrink(outcome, options)
  if (last === first || outcome.violation !== null) print(outcome)
  totals.seeds++
  totals.failed += outcome.violation === null ? 0 : 1
  for (const name of ['events', 'operations', 'orders'] as const) totals[name] += outcome[name]
}
const seconds = process.cpuUsage().user / 1e6
if (last > first) console.log(`${JSON.stringify(totals)} in ${seconds.toFixed(1)} s of one core`)
process.exitCode = totals.failed === 0 ? 0 : 1

function print({ seed, violation, plan, trace, digest, events, operations, orders }: Outcome): void {
  if (values.trace || values.messages) for (const line of trace) console.log(line)
  if (values.shrink)
    for (const { at, fault } of plan) console.log(`${at.toFixed(3).padStart(10)} ${JSON.stringify(fault)}`)
  console.log(`seed ${seed}: ${violation ?? 'all holds'}`)
  console.log(`digest ${digest}, ${events} events, ${operations} operations, ${orders} orders, ${plan.length} faults`)
}

import { simulate } from './simulation.ts'

const [seed = '1', ...flags] = process.argv.slice(2)
const outcome = await simulate({ seed: Number(seed), withMessages: flags.includes('--messages') })
if (flags.includes('--trace') || flags.includes('--messages')) for (const line of outcome.trace) console.log(line)
const { violation, digest, events, operations, orders } = outcome
console.log(
  `seed ${seed}: ${violation ?? 'ok'} (digest ${digest}, ${events} events, ${operations} operations, ${orders} orders)`,
)
process.exitCode = violation === null ? 0 : 1

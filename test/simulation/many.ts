import { simulate } from './simulation.ts'
const [from = '1', to = '20'] = process.argv.slice(2)
const t0 = performance.now()
let events = 0, ops = 0
for (let seed = Number(from); seed <= Number(to); seed++) {
  const o = await simulate({ seed })
  events += o.events; ops += o.operations
  if (o.violation) console.log(seed, o.violation.slice(0, 300), o.plan.length)
}
console.log(`${((performance.now() - t0) / 1000).toFixed(1)} s, ${events} events ${ops} ops`)

import { simulate } from './simulation.ts'

const [from, to] = process.argv.slice(2).map(Number) as [number, number]
const t0 = performance.now()
for (let seed = from; seed <= to; seed++) {
  const o = await simulate({ seed })
  if (o.violation) console.log(seed, o.violation.slice(0, 300))
}
console.log(`${((performance.now() - t0) / 1000).toFixed(1)} s`)

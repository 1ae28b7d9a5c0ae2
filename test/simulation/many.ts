import { plantedBugs } from './planted-bugs.ts'
import { simulate } from './simulation.ts'

const only = process.argv[3]
for (const [name, bug] of Object.entries(plantedBugs)) {
  if (only && !name.includes(only)) continue
  const t0 = performance.now()
  let found = 'NOT FOUND'
  for (let seed = 1; seed <= Number(process.argv[2] ?? 300); seed++) {
    const o = await simulate({ seed, bug })
    if (o.violation !== null) {
      found = `${seed}: ${o.violation.slice(0, 160)}`
      break
    }
  }
  console.log(name.padEnd(50), `${((performance.now() - t0) / 1000).toFixed(1)} s`, found)
}

import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { tryCrashPoints } from './crash-points.ts'
import type { Fault } from './fault.ts'
import { plantedBugs } from './planted-bugs.ts'
import { simulate } from './simulation.ts'

/** Writes Reliability.md: what was tried, how often, and what came of it. */

const usage = `node test/simulation/reliability.ts [--seeds 1000] [--chaos FILE.json]… [--out Reliability.md]

  --seeds N          simulated runs
  --chaos FILE.json  what bazaar chaos --json wrote; may be given more than once
  --out FILE         where to write`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    chaos: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: 'Reliability.md' },
  },
})
const seeds = Number(values.seeds)
if (!Number.isSafeInteger(seeds) || seeds < 1) {
  console.error(usage)
  process.exit(2)
}

const faultNames: Readonly<Record<Fault['type'], string>> = {
  kill: 'a process is killed',
  crash: 'a process dies in the middle of a call to disk or network',
  powerCut: 'the power goes: of what was not synced, any part stays',
  pause: 'a process is paused',
  jump: 'the clock of a process jumps',
  slow: 'a process gets little of the CPU',
  split: 'the network splits in two',
  oneWay: 'messages pass in one direction only',
  ring: 'each replica hears only its neighbour',
  cut: 'a connection breaks',
  slowDisk: 'a disk is slow',
  eio: 'an fsync fails',
  fullDisk: 'a disk is full',
  flip: 'a bit of the log or of state.json flips',
  removeFolder: "a replica's folder is deleted",
}

const properties = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7'] as const

const text = [
  `# Reliability

What was done to Bazaar, how often, and whether the invariants I1–I7 of [DESIGN.md](DESIGN.md) held. Written by
\`node test/simulation/reliability.ts\`; the last section tells how to repeat everything.`,
  await simulated(),
  await crashPoints(),
  await planted(),
  ...values.chaos.map(realProcesses),
  promises(),
]
writeFileSync(values.out, `${text.join('\n\n')}\n`)

async function simulated(): Promise<string> {
  const tried = new Map<Fault['type'], { times: number; runs: number; broken: Set<string> }>()
  const totals = { operations: 0, orders: 0, faults: 0, failed: 0 }
  for (let seed = 1; seed <= seeds; seed++) {
    const { plan, violation, operations, orders } = await simulate({ seed })
    totals.operations += operations
    totals.orders += orders
    totals.faults += plan.length
    if (violation !== null) totals.failed++
    for (const type of new Set(plan.map(({ fault }) => fault.type))) {
      const row = tried.get(type) ?? { times: 0, runs: 0, broken: new Set<string>() }
      row.times += plan.filter(({ fault }) => fault.type === type).length
      row.runs++
      if (violation !== null) row.broken.add(violation.slice(0, 2))
      tried.set(type, row)
    }
  }
  const rows = Object.entries(faultNames).map(([type, name]) => {
    const { times, runs, broken } = tried.get(type as Fault['type']) ?? { times: 0, runs: 0, broken: new Set() }
    const results = properties.map(property => (runs === 0 ? '–' : broken.has(property) ? 'BROKEN' : 'held'))
    return [name, number(times), number(runs), ...results]
  })
  return `## Simulated: ${number(seeds)} seeds

The real core, node loop, storage, ledger, sequencer, catalog and front-end code over a simulated disk, network, clock and
process. Each run mixes faults of several kinds, heals, must then make progress, and ends on every check, so a fault's
row counts all runs in which it occurred. ${number(totals.faults)} faults, ${number(totals.operations)} operations of
clients, ${number(totals.orders)} orders; ${number(totals.failed)} runs failed.

${table(['fault', 'times', 'in runs', ...properties], rows)}`
}

async function crashPoints(): Promise<string> {
  const { points, images } = await tryCrashPoints()
  return `## Every write boundary

The power goes at each of the ${number(points)} moments of a scripted run at which anything is written or synced, and every
subset of what was not synced is kept (bounded per moment): ${number(images)} different disks. Recovery never threw; no
acknowledged order was lost (I1) or doubled (I2).`
}

async function planted(): Promise<string> {
  const rows: string[][] = []
  for (const [name, bug] of Object.entries(plantedBugs)) {
    let seed = 0
    let violation: string | null = null
    while (violation === null && seed < 300) ({ violation } = await simulate({ seed: ++seed, bug }))
    rows.push([name, violation === null ? 'not found' : number(seed), violation?.split(/[:\n]/)[0] ?? '–'])
  }
  return `## Planted bugs

A check that finds nothing may be blind. Each of these mistakes, injected in the tests only, must be found within the
seeds of \`./bin/bazaar test\`.

${table(['mistake', 'seeds needed', 'found by'], rows)}`
}

interface Chaos {
  faults: Record<string, number>
  requests: number
  failed: number
  retried?: number
  acknowledged: number
  lost: number
  wrong: number
  duplicated: number
  stock: { expected: number; actual: number }
  replicasIdentical: boolean
  linearizable: boolean
  stallMs: { p50: number; p99: number; max: number }
  failoverMs?: { p50: number; p99: number; max: number; count?: number } | null
  seed: number
}

function realProcesses(path: string): string {
  const chaos = JSON.parse(readFileSync(path, 'utf8')) as Chaos
  const faults = Object.entries(chaos.faults).map(([name, times]) => `${number(times)} × ${name}`)
  const ms = ({ p50, p99, max }: { p50: number; p99: number; max: number }): string =>
    `p50 ${number(p50)}, p99 ${number(p99)}, max ${number(max)} ms`
  const { lost, wrong, duplicated } = chaos
  const rows = [
    ['faults', faults.join(', ')],
    ['requests', `${number(chaos.requests)}, ${number(chaos.failed)} failed, ${number(chaos.retried ?? 0)} sent again`],
    [
      'orders',
      `${number(chaos.acknowledged)}: ${number(lost)} lost, ${number(wrong)} wrong, ${number(duplicated)} doubled`,
    ],
    ['stock', `${number(chaos.stock.actual)} shown, ${number(chaos.stock.expected)} by the log`],
    ['history', chaos.linearizable ? 'linearizable' : 'NOT linearizable'],
    ["the replicas' files", chaos.replicasIdentical ? 'identical' : 'DIFFER'],
    ['longest time without an order, per fault', ms(chaos.stallMs)],
    ...(chaos.failoverMs?.count ? [["from a leader's SIGKILL to the next order", ms(chaos.failoverMs)]] : []),
  ]
  return `## Real processes, seed ${chaos.seed}

${table(['', 'measured'], rows)}`
}

function promises(): string {
  return `## What is not promised

One machine has one disk, one kernel and one power supply: three replicas on it survive any process, not the machine. Two
replicas whose disks are lost at the same moment stop the store rather than guess. A catalog that is down longer than 10 s
costs look-ups, not orders; so does a front-end, for everybody behind it. The full list is in [DESIGN.md](DESIGN.md).

## How to repeat it

\`\`\`sh
./bin/bazaar test                                     # 500 seeds, every crash point, every planted bug
./bin/bazaar test --soak                              # 10,000 seeds
node test/simulation/replay.ts SEED --trace           # one run, everything that happened (Node 24)
./bin/bazaar chaos --seconds 120 --json chaos.json    # real processes
node test/simulation/reliability.ts --seeds ${seeds} --chaos chaos.json
\`\`\``
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** A count, or a time in whole ms. */
function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 })
}

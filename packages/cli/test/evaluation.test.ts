import t from 'tap'
import type { BenchmarkRun } from '../src/benchmark.ts'
import { parseChaosOptions } from '../src/chaos-options.ts'
import { newChaosRecord } from '../src/chaos-record.ts'
import { type Evaluation, evaluationMarkdown, failoverPlot, originalPlot } from '../src/evaluation.ts'
import { growthRatios, growthText, largeRatios } from '../src/growth-report.ts'
import { type LimitsResult, loadKinds } from '../src/limits.ts'
import { limitsJson, limitsPassed, limitsVerdict } from '../src/limits-report.ts'
import type { Limits } from '../src/limits-run.ts'
import { linePlotSvg } from '../src/line-plot.ts'
import { meetsGoal, missesByHalf } from '../src/ratio.ts'
import { summarize } from '../src/statistics.ts'

const summary = (mean: number) => ({ count: 1000, mean, ci95: 0.02, p50: mean, p99: mean * 4, max: mean * 20 })
const measured = (p50: number) => ({ ...summary(p50), perSecond: 5000, cpuMs: 0.1, clientCpuMs: 0.03 })
const machine = { cpu: 'Test CPU', cores: 2, memoryGiB: 4, system: 'Linux', node: '24' }

const run = (p: number, cache: 'on' | 'off', lookup: number, order: number) => ({
  p,
  cache,
  clients: 5,
  iterations: 5000,
  elapsedMs: 500,
  lookup: summary(lookup),
  order: summary(order),
  lookupAndOrder: summary(lookup + p * order),
  perSecond: 3600,
  cacheHitRatio: cache === 'on' ? 0.83 : 0,
  refused: 0,
  soldOut: 0,
  lateStarts: 0,
  missedStarts: 0,
  errors: 0,
  errorMessages: [],
  givenUp: false,
})

const evaluation: Evaluation = {
  benchmark: {
    url: null,
    runs: [run(0.2, 'on', 0.3, 1.5), run(0.8, 'on', 0.4, 1.5), run(0.2, 'off', 0.6, 1.5), run(0.8, 'off', 0.7, 1.5)],
    warmUp: { iterations: 4000, orders: 2000, errors: 0, errorMessages: [] },
    verified: { orders: 10_000, mismatches: 0, unread: 0, examples: [] },
    stock: { expected: 5, actual: 5, wrong: 0 },
    network: summarize([0.1]),
    machine,
    disturbance: 0.3,
    seed: 1,
    ratePerSecond: null,
    preload: 0,
    products: 12,
  },
  limits: {
    loads: Object.fromEntries(
      loadKinds.map(kind => [kind, { bazaar: measured(1.2), bare: measured(0.4) }]),
    ) as LimitsResult['loads'],
    lookupAndOrder5: { count: 500, mean: 1.5, ci95: 0.02 },
    chain: {
      loads: Object.fromEntries(
        ['orders64', 'order1', 'order5'].map(kind => [kind, { chain: measured(1), bare: measured(0.4) }]),
      ) as Limits['chain']['loads'],
      lookupAndOrder5: { count: 600, mean: 1.2, ci95: 0.02 },
    },
    append: summary(0.2),
    orders: { acknowledged: 9000, counted: 9000 },
    machine,
    disturbance: 0.02,
    seconds: 5,
  },
  breakdown: { order: 1.5, publicHttp: 0.3, hop: 0.2, judge: 0.05, leader: 0.9, disk: 0.3 },
  growth: {
    stored: 1_000_000,
    order: { none: measured(1), many: measured(1.05) },
    query: { none: measured(0.4), many: measured(0.6) },
    restartMs: 2000,
    catchUp: {
      orders: 1_001_234,
      elapsedMs: 8000,
      perSecond: 125_154,
      ordersPerSecond: { meanwhile: 900, without: 2000 },
    },
    memory: { replica: 120, store: 1300 },
    disturbance: 0.03,
  },
  large: { stored: 10_000_000, restartMs: 12_000, memory: { replica: 220, store: 740 } },
  failover: {
    record: { ...newChaosRecord(), requests: 12_345 },
    faults: [],
    stallsMs: [],
    slowestLookupsMs: [],
    failoversMs: [60, 45, 80],
    readBack: { orders: 0, mismatches: 0, unread: 0, examples: [] },
    audit: { lost: 0, wrong: 0, duplicated: 0, stock: new Map(), examples: [] },
    stock: { expected: 0, actual: 0, wrong: 0 },
    sha256: ['a', 'a', 'a'],
    orders: { ok: true },
    lookups: { ok: true },
    elapsedMs: 1000,
    options: parseChaosOptions(
      { failover: '3' },
      () => false,
      () => 1,
    ),
  },
  replacement: {
    products: ['Tux', 'Whale'],
    entriesMax: 1,
    steps: [{ name: 'Tux', event: 'miss', expected: 'miss', held: ['Tux'], evicted: 'Whale' }],
  },
  command: './bin/bazaar bench --evaluation Evaluation.md',
  date: '2026-11-23',
}

t.test('the document tells everything that was measured', async t => {
  t.matchSnapshot(evaluationMarkdown(evaluation, 'evaluation'))
})

t.test('what went wrong is told as it was', async t => {
  const { benchmark, failover } = evaluation
  const text = evaluationMarkdown(
    {
      ...evaluation,
      benchmark: {
        ...benchmark,
        runs: [...benchmark.runs.slice(0, 3), { ...run(0.8, 'off', 0.7, 1.5), errors: 100 }],
        verified: { ...benchmark.verified, unread: 3 },
      },
      failover: {
        ...failover,
        audit: { ...failover.audit, lost: 1, wrong: 10, duplicated: 100 },
        readBack: { ...failover.readBack, mismatches: 1000, unread: 10_000 },
        failoversMs: [60, null, 80],
        sha256: ['a', 'b', 'a'],
        orders: { ok: false, undecided: false, explanation: 'order 1 changed' },
      },
    },
    'a b#c?',
  )
  t.match(text, /10,000 of 10,003 could be read back/)
  t.match(text, /^at p 0\.8 cache off, 100 of 5,000 iterations failed: their time is not counted$/m)
  t.match(text, /^\| 0\.8 \| 83 %.* \| – \|$/m, 'nor is it said what the cache gained there')
  t.match(text, /killed with SIGKILL 3 times .* max 80\.0 ms\. After 1 kill \*\*no order\*\* was answered any more\./)
  t.match(text, /11111 were lost.* \*\*not\*\* linearizable.* \*\*different\*\*/)
  t.match(text, '(a%20b%23c%3F/latency.svg)')
})

t.test('its pictures have axes with units and a point for each figure', async t => {
  const original = linePlotSvg(originalPlot(evaluation.benchmark))
  t.match(original, /mean latency \(ms\), logarithmic/)
  t.match(original, /original report, 2023/)
  t.match(original, />100<.*>1000</s, 'a tenth of a line’s height is not a tenth of the time')
  const [first, ...others] = evaluation.benchmark.runs as [BenchmarkRun, ...BenchmarkRun[]]
  const scarce = { ...evaluation.benchmark, runs: [{ ...first, soldOut: first.iterations }, ...others] }
  t.same(originalPlot(scarce).series[1]?.points, [{ x: 0.8, y: 1.6 }], 'what is no order is not compared')
  const failover = failoverPlot(evaluation.failover)
  t.strictSame(
    failover.series[0]?.points.map(({ x, y }) => [x, Math.round(y)]),
    [
      [45, 33],
      [60, 67],
      [80, 100],
    ],
  )
  const unanswered = failoverPlot({ ...evaluation.failover, failoversMs: [60, null] })
  t.match(unanswered, { subtitle: /^2 kills/, series: [{ points: [{ x: 60, y: 50 }] }] }, 'one is not over')
  const svg = linePlotSvg(failover)
  t.match(svg, /is answered \(ms\)/)
  t.notMatch(`${original}${svg}`, /NaN|undefined/)
})

t.test('growth is judged by its goals', async t => {
  const ratios = growthRatios(evaluation.growth)
  t.strictSame(
    ratios.filter(ratio => !meetsGoal(ratio)).map(({ name }) => name),
    ['growthQuery', 'growthStore', 'growthMeanwhile'],
  )
  t.strictSame(
    ratios.filter(missesByHalf).map(({ name }) => name),
    ['growthStore'],
  )
  t.ok(limitsPassed(evaluation.limits, null))
  const { limits, growth } = evaluation
  t.notOk(limitsPassed(limits, growth))
  t.match(limitsVerdict(limits, growth), /^MISSED, .*: memory of the whole store .*\nFAILED$/)
  t.notOk(limitsPassed({ ...limits, disturbance: 0.4 }, growth), 'whatever disturbed the machine before')
  const disturbed = { ...growth, disturbance: 0.4 }
  t.ok(limitsPassed(limits, disturbed), 'a machine that others use meanwhile is not judged')
  t.match(limitsVerdict(limits, disturbed), /^no order is lost; not all goals are judged/)
  t.match(limitsJson(limits, disturbed), { judged: false, passed: true })
  t.match(growthText(disturbed), /Disturbed: 40 %/)
  const ordersPerSecond = { meanwhile: Number.NaN, without: Number.NaN }
  const few = growthRatios({
    ...evaluation.growth,
    stored: 50_000,
    catchUp: { ...evaluation.growth.catchUp, ordersPerSecond },
  })
  const caughtUp = ['growthCatchUp', 'growthMeanwhile']
  t.notOk(
    few.some(({ name }) => caughtUp.includes(name)),
    'nothing can be measured while a few orders are fetched',
  )
  const tenMillion = largeRatios({ ...evaluation.growth, stored: 10_000_000 })
  t.strictSame(
    tenMillion.map(({ name, goal }) => [name, goal]),
    [['growthRestart', 15]],
    'with ten million it has to restart in 15 s; their memory has no goal',
  )
  const dear = { ...evaluation.growth.order, many: { ...measured(1.05), cpuMs: 0.15 } }
  t.match(growthRatios({ ...evaluation.growth, order: dear })[1], { name: 'growthOrderCpu', value: 0.15 / 0.1 })
  t.match(growthText(evaluation.growth), /fetched 1,001,234 orders in 8\.0 s, its start included/)
})

t.test('a figure that is no number meets no goal', async t => {
  const ratio = { name: 'x', what: 'x', value: Number.NaN, goal: 1 }
  for (const better of ['above', 'below'] as const) {
    t.notOk(meetsGoal({ ...ratio, better }))
    t.ok(missesByHalf({ ...ratio, better }))
  }
})

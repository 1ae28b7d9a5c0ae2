import { lacksOrders } from './bench-report.ts'
import type { BenchmarkResult, BenchmarkRun } from './benchmark.ts'
import { plural } from './format.ts'
import type { LinePlot, PlotPoint, PlotSeries } from './line-plot.ts'

const measures = [
  { key: 'lookup', name: 'look-up', color: 'blue' },
  { key: 'order', name: 'order', color: 'orange' },
  { key: 'lookupAndOrder', name: 'look-up + order', color: 'green' },
] as const

/** The experiment's plot: mean latency against p, a line for each of look-up, order and their sum, cache on and off. */
export function benchmarkPlot({ runs, machine, seed, url }: BenchmarkResult): LinePlot {
  const caches = [...new Set(runs.map(run => run.cache))]
  const clients = runs[0]?.clients ?? 0
  const samples = runs.reduce((sum, run) => sum + run.iterations, 0)
  return {
    title: 'Average time of a look-up and an order',
    subtitle:
      `${plural(clients, 'client')}, ${plural(samples, 'iteration')}, seed ${seed}, bars: 95 % confidence of the mean · ` +
      (url ?? `${machine.cores} × ${machine.cpu}`),
    xLabel: 'p, the probability that an order follows a look-up',
    yLabel: 'mean latency (ms)',
    xTicks: [...new Set(runs.map(run => run.p))],
    series: caches.flatMap(cache => seriesOf(runs, cache)),
  }
}

function seriesOf(runs: readonly BenchmarkRun[], cache: BenchmarkRun['cache']): PlotSeries[] {
  return measures.map(({ key, name, color }) => ({
    name: cache === 'off' ? `${name}, no cache` : name,
    color,
    dashed: cache === 'off',
    points: pointsOf(
      runs.filter(run => run.cache === cache && (key === 'lookup' || !lacksOrders(run))),
      key,
    ),
  }))
}

/** One for each p, from the left: where a p was measured more than once, the mean of its runs. */
function pointsOf(runs: readonly BenchmarkRun[], key: (typeof measures)[number]['key']): PlotPoint[] {
  const probabilities = [...new Set(runs.map(run => run.p))].sort((a, b) => a - b)
  return probabilities.flatMap((x): PlotPoint[] => {
    const summaries = runs.filter(run => run.p === x).map(run => run[key])
    const means = summaries.flatMap(({ mean }) => mean ?? [])
    if (means.length === 0) return []
    const y = means.reduce((sum, mean) => sum + mean, 0) / means.length
    const intervals = summaries.flatMap(({ ci95 }) => ci95 ?? [])
    if (intervals.length < means.length) return [{ x, y }]
    const half = Math.hypot(...intervals) / intervals.length
    return [{ x, y, low: Math.max(0, y - half), high: y + half }]
  })
}

import { barChart } from './bar-chart.ts'
import { type BenchmarkResult, type BenchmarkRun, benchmarkPassed } from './benchmark.ts'
import { disturbanceNote } from './disturbance.ts'
import { formatCount, formatMean, formatMs, formatPercent, plural, roundDeep } from './format.ts'
import { machineLine } from './machine.ts'
import { iterationsMax, timerLatenessMs } from './pace.ts'
import { columns, type Table, textTable } from './table.ts'

/** The original report's average time of a look-up plus order in ms, by the probability of an order. */
export const originalReportMs: Readonly<Record<string, number>> = {
  '0': 45.98,
  '0.2': 57.47,
  '0.4': 77.91,
  '0.6': 90.48,
  '0.8': 111.17,
}

/** A larger share of a run's iterations than this changes what its mean is the mean of. */
const lackMax = 0.01

/** A larger share of late starts is told. */
const lateStartsMax = 0.05
/** A rate that is missed by more than this is told. */
const rateReachedMin = 0.99

const originalNote =
  'original: the report of 2023; its figures include a network round trip, from a laptop to us-east-1'

/** What the confidence intervals are. */
export const intervalNote = 'of this run, as if its times did not depend on each other; another run may differ by more'

/** The result for a person at a terminal, without a final newline. */
export function benchmarkText(result: BenchmarkResult): string {
  return [
    headLines(result),
    `Average time of a look-up and, with probability p, an order (ms)\n\n${textTable(sumTable(result))}\n${originalNote}\n± 95 %: ${intervalNote}`,
    ...lackNotes(result),
    ...rateNotes(result),
    ...lengthNotes(result),
    ...partsTables(result).map(({ title, table }) => `${title}\n\n${textTable(table)}`),
    ...meansChart(result),
    ...cacheGain(result),
    ...disturbanceNote(result.disturbance),
    verdictLines(result),
  ].join('\n\n')
}

/** The report's table: the average per p, with the original report's figure beside. */
export function sumTable({ runs }: BenchmarkResult): Table {
  return {
    columns: columns('p', '<cache', 'n', 'mean', '± 95 %', 'p50', 'p99', 'max', 'original', 'times faster'),
    rows: runs.map(run => {
      const { count, mean, ci95, p50, p99, max } = run.lookupAndOrder
      const original = originalReportMs[String(run.p)]
      const compared = sumMean(run)
      const faster = original === undefined || compared === null ? '–' : formatTimes(original / compared)
      const times = [mean, ci95, p50, p99, max].map(formatMs)
      return [String(run.p), run.cache, formatCount(count), ...times, original?.toFixed(2) ?? '–', faster]
    }),
  }
}

/** What tells a run from the others. */
const nameOf = ({ p, cache }: BenchmarkRun): string => (cache === 'deployed' ? `p ${p}` : `p ${p} cache ${cache}`)

/**
 * Whether so many orders were not asked for, refused, or failed with their iterations, that the run's figure is no longer
 * that of a look-up and an order. So it is where the shop was given up: what it had no answer to is in no figure.
 */
export const lacksOrders = ({ soldOut, refused, errors, iterations, givenUp }: BenchmarkRun): boolean =>
  givenUp || soldOut + refused + errors > lackMax * iterations

/** What to think of runs that lack orders. */
export function lackNotes({ runs }: BenchmarkResult): string[] {
  const notes = runs.filter(lacksOrders).flatMap(run => {
    const { soldOut, refused, errors, iterations } = run
    const of = (count: number) => `at ${nameOf(run)}, ${formatCount(count)} of ${plural(iterations, 'iteration')}`
    return [
      ...(soldOut === 0
        ? []
        : [`${of(soldOut)} would have ordered what was sold out: their time is a look-up’s alone`]),
      ...(refused === 0 ? [] : [`${of(refused)} had their order refused: their time is not counted`]),
      ...(errors === 0 ? [] : [`${of(errors)} failed: their time is not counted`]),
    ]
  })
  return paragraph(notes)
}

const formatRate = (perSecond: number): string => Number(perSecond.toPrecision(4)).toLocaleString('en-US')

const formatTimes = (ratio: number): string => (ratio < 10 ? ratio.toPrecision(2) : ratio.toFixed(0))

/** Where the clients of an open loop could not start as many iterations as they were asked to, or not in time. */
function rateNotes({ runs, ratePerSecond }: BenchmarkResult): string[] {
  if (ratePerSecond === null) return []
  const late = runs
    .filter(({ lateStarts, iterations }) => lateStarts > lateStartsMax * iterations)
    .map(run => {
      const { lateStarts, iterations, elapsedMs } = run
      const reached = (iterations * 1000) / elapsedMs
      const note = `at ${nameOf(run)}, ${formatCount(lateStarts)} of ${plural(iterations, 'iteration')} started late, because every client was busy`
      if (reached > rateReachedMin * ratePerSecond) return note
      return `${note}: ${formatRate(reached)} a second of the ${formatRate(ratePerSecond)} that were asked for`
    })
  const missed = runs
    .filter(({ missedStarts }) => missedStarts > 0)
    .map(
      run =>
        `at ${nameOf(run)}, ${formatCount(run.missedStarts)} of ${plural(run.iterations + run.missedStarts, 'iteration')} never started, because ` +
        'every client was busy until the time was over: how long they had waited by then is among the times, which are ' +
        'at least so long',
    )
  const from = `each time is from when its iteration should have started; up to ${timerLatenessMs} ms that a timer was late are left out`
  return paragraph([from, ...late, ...missed])
}

/** Where a run that was to last for some time ended before. */
function lengthNotes({ runs }: BenchmarkResult): string[] {
  const whole = runs.filter(({ iterations, clients }) => iterations >= iterationsMax * clients)
  const most = `${formatCount(iterationsMax)} iterations of each client, which is the most of a run`
  return paragraph(whole.map(run => `at ${nameOf(run)}, it ended after ${most}`))
}

const paragraph = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : [lines.join('\n')])

/** Look-ups and orders apart; throughput, the cache, and what went wrong. None is too wide for a terminal. */
export function partsTables({ runs }: BenchmarkResult): { title: string; table: Table }[] {
  const timesOf = (part: 'lookup' | 'order'): Table => ({
    columns: columns('p', '<cache', 'n', 'mean', '± 95 %', 'p50', 'p99', 'max'),
    rows: runs.map(run => {
      const { count, mean, ci95, p50, p99, max } = run[part]
      return [String(run.p), run.cache, formatCount(count), ...[mean, ci95, p50, p99, max].map(formatMs)]
    }),
  })
  const rest: Table = {
    columns: columns('p', '<cache', 'requests/s', 'hits', 'refused', 'sold out', 'errors'),
    rows: runs.map(run => [
      String(run.p),
      run.cache,
      formatCount(run.perSecond),
      formatPercent(run.cacheHitRatio),
      ...[run.refused, run.soldOut, run.errors].map(formatCount),
    ]),
  }
  return [
    { title: 'Look-ups alone (ms)', table: timesOf('lookup') },
    { title: 'Orders alone (ms)', table: timesOf('order') },
    { title: 'Throughput, cache and failures', table: rest },
  ]
}

function headLines(result: BenchmarkResult): string {
  const [run] = result.runs
  const clients = plural(run?.clients ?? 0, 'client')
  const rate = result.ratePerSecond === null ? '' : ` at ${formatRate(result.ratePerSecond)} a second (open loop)`
  const preload = result.preload === 0 ? '' : `, ${plural(result.preload, 'order')} stored before`
  return [
    `Bazaar bench · ${clients}${rate} · ${plural(result.products, 'product')} · seed ${result.seed}${preload}`,
    result.url === null ? machineLine(result.machine) : `${result.url}, from clients on ${machineLine(result.machine)}`,
    `network round trip ${formatMs(result.network.p50)} ms (p50 of ${result.network.count} connections); ` +
      `${plural(result.warmUp.iterations, 'iteration')} to warm up ${result.warmUp.iterations === 1 ? 'is' : 'are'} not counted`,
  ].join('\n')
}

function meansChart({ runs }: BenchmarkResult): string[] {
  const compared = runs.filter(run => !lacksOrders(run))
  if (compared.length === 0) return []
  const bars = compared.map(run => ({
    label: nameOf(run),
    value: run.lookupAndOrder.mean ?? 0,
    text: `${formatMs(run.lookupAndOrder.mean)} ms`,
  }))
  return [`Mean of look-up plus order\n\n${barChart(bars)}`]
}

/** What the cache gains, when both were measured. */
function cacheGain({ runs }: BenchmarkResult): string[] {
  const lines = cachePairs(runs).map(
    ({ on, off }) =>
      `p ${on.p}: a look-up takes ${formatMean(on.lookup)} ms with the cache, ${formatMean(off.lookup)} without,\n` +
      `   ${gain(on.lookup.mean, off.lookup.mean)} at ${formatPercent(on.cacheHitRatio)} hits; ` +
      `look-up plus order ${gain(sumMean(on), sumMean(off))}`,
  )
  return lines.length === 0 ? [] : [`What the cache gains\n\n${lines.join('\n')}`]
}

/** Runs of one p with the cache on and off. */
export function cachePairs(runs: readonly BenchmarkRun[]): { on: BenchmarkRun; off: BenchmarkRun }[] {
  const withoutCache = runs.filter(run => run.cache === 'off')
  // In their order, for the same p may be there twice.
  return runs
    .filter(run => run.cache === 'on')
    .flatMap((on, at) => {
      const off = withoutCache[at]
      return off === undefined ? [] : [{ on, off }]
    })
}

/** The mean of a look-up plus order in ms; null where it would be that of a look-up. */
export const sumMean = (run: BenchmarkRun): number | null => (lacksOrders(run) ? null : run.lookupAndOrder.mean)

function gain(on: number | null, off: number | null): string {
  if (on === null || off === null || off === 0) return '–'
  return on <= off ? `${formatPercent(1 - on / off)} less` : `${formatPercent(on / off - 1)} more`
}

function verdictLines(result: BenchmarkResult): string {
  const { verified, warmUp, stock, runs } = result
  const before = warmUp.orders === 0 ? '' : `, ${formatCount(warmUp.orders)} of them placed to warm up`
  const unread = verified.unread === 0 ? '' : `, ${formatCount(verified.unread)} could not be read`
  const lines = [
    `verified: ${plural(verified.orders, 'order')} read back${before}, ${formatCount(verified.mismatches)} differ${unread}`,
  ]
  lines.push(...verified.examples.map(example => `  ${example}`))
  if (stock !== null) {
    const { actual, expected, wrong } = stock
    const difference =
      expected === actual ? `but wrong for ${plural(wrong ?? 0, 'product')}` : `but ${formatCount(expected)} expected`
    const relation = wrong === 0 ? 'as the orders leave it' : difference
    lines.push(actual === null ? 'stock: could not be read' : `stock: ${formatCount(actual)} units, ${relation}`)
  }
  if (warmUp.errors > 0) lines.push(`${plural(warmUp.errors, 'error')} while warming up`)
  const messages = [warmUp, ...runs].flatMap(({ errorMessages }) => errorMessages)
  for (const message of new Set(messages)) lines.push(`error: ${message}`)
  lines.push(benchmarkPassed(result) ? 'all well' : 'FAILED')
  return lines.join('\n')
}

/** What `bench --json` writes. */
export function benchmarkJson(result: BenchmarkResult): object {
  const { url, runs, warmUp, verified, stock, network, machine, disturbance, seed, ratePerSecond, preload, products } =
    result
  // What was asked for stands as it was; what was measured is rounded.
  return {
    url,
    runs: runs.map(run => {
      const { p, cache, clients, iterations: _, ...rest } = run
      return {
        p,
        cache,
        clients,
        iterations: iterationsEach(run),
        ...roundDeep(rest),
        originalReportMs: lacksOrders(run) ? null : (originalReportMs[String(p)] ?? null),
      }
    }),
    warmUp,
    verified,
    stock,
    passed: benchmarkPassed(result),
    seed,
    ratePerSecond,
    preload,
    products,
    ...roundDeep({ networkMs: network, machine, disturbance }),
  }
}

/** Iterations of each client: what was asked for, or the average where time or a rate decides, as a whole number. */
const iterationsEach = ({ iterations, clients }: BenchmarkRun): number => Math.round(iterations / clients)

/** One line for each run; times in ms, empty where there is none. */
export function benchmarkCsv({ runs }: BenchmarkResult): string {
  const measures = ['lookup', 'order', 'lookupAndOrder'] as const
  const figures = ['count', 'mean', 'ci95', 'p50', 'p99', 'max'] as const
  const names = measures.flatMap(measure => figures.map(figure => `${measure}_${figure}`))
  const ends = ['perSecond', 'cacheHitRatio', 'refused', 'soldOut', 'errors', 'lateStarts', 'missedStarts'] as const
  const header = ['p', 'cache', 'clients', 'iterations', ...names, ...ends].join(',')
  const rows = runs.map(run => {
    const times = measures.flatMap(measure => figures.map(figure => run[measure][figure]))
    const measured = [...times, ...ends.map(end => run[end])].map(value => (value === null ? '' : roundDeep(value)))
    return [run.p, run.cache, run.clients, iterationsEach(run), ...measured].join(',')
  })
  return `${[header, ...rows].join('\n')}\n`
}

import { disturbanceNote } from './disturbance.ts'
import { formatCount, formatMs, plural } from './format.ts'
import type { GrowthResult, LargeResult } from './growth.ts'
import { above, below, type Ratio, ratioTable } from './ratio.ts'
import { columns, type Table, textTable } from './table.ts'

/** The goals for memory are for up to so many orders: each takes 12 bytes more. */
const memoryOrdersMax = 1_000_000
/** The goals of catching up are for at least so many. */
const catchUpOrdersMin = 100_000

/** What growth may cost, with the goals. */
export function growthRatios({ stored, order, query, restartMs, catchUp, memory }: GrowthResult): Ratio[] {
  const what = `with ${plural(stored, 'order')} stored ÷ with none`
  const p50 = ({ none, many }: GrowthResult['order']) => (many.p50 ?? Number.NaN) / (none.p50 ?? Number.NaN)
  return [
    below('growthOrder', `order p50 ${what}`, p50(order), 1.1),
    below('growthOrderCpu', `CPU of an order ${what}`, order.many.cpuMs / order.none.cpuMs, 1.1),
    below('growthQuery', `order query p50 ${what}`, p50(query), 1.1),
    ...largeRatios({ stored, restartMs, memory }),
    // A start takes longer than fetching a few, and then it is all that is measured.
    ...(stored < catchUpOrdersMin ? [] : catchUpRatios(catchUp)),
  ]
}

function catchUpRatios({ perSecond, ordersPerSecond: { meanwhile, without } }: GrowthResult['catchUp']): Ratio[] {
  return [
    above('growthCatchUp', 'orders a second that an empty replica catches up', perSecond, 100_000),
    above('growthMeanwhile', 'clients’ orders a second meanwhile ÷ without it', meanwhile / without, 0.8),
  ]
}

/** What a restart and the memory may be, with the goals. */
export function largeRatios({ stored, restartMs, memory }: LargeResult): Ratio[] {
  const what = `with ${plural(stored, 'order')} stored`
  const restart = (goal: number) => below('growthRestart', `a replica’s restart ${what}, s`, restartMs / 1000, goal)
  if (stored > memoryOrdersMax) return [restart(15)]
  return [
    restart(2.5),
    below('growthReplica', `memory of a replica ${what}, MiB`, memory.replica, 150),
    below('growthStore', `memory of the whole store ${what}, shared pages once, MiB`, memory.store, 600),
  ]
}

/** The memory, in a sentence. */
export function memoryNote({ stored, memory }: LargeResult): string {
  const { replica, store } = memory
  return `With ${plural(stored, 'order')} stored the largest replica takes ${replica} MiB, the whole store ${store} MiB.`
}

/** The figures behind the ratios. */
export function growthTable({ stored, order, query }: GrowthResult): Table {
  const rows = [
    ['order, 5 connections', '0', order.none],
    ['', formatCount(stored), order.many],
    ['order query, 5 connections', '0', query.none],
    ['', formatCount(stored), query.many],
  ] as const
  return {
    columns: columns('<request', 'orders stored', 'n', 'per second', 'mean ms', '± 95 %', 'p50', 'p99', 'CPU ms'),
    rows: rows.map(([what, orders, { count, perSecond, mean, ci95, p50, p99, cpuMs }]) => {
      return [what, orders, formatCount(count), formatCount(perSecond), ...[mean, ci95, p50, p99, cpuMs].map(formatMs)]
    }),
  }
}

/** The result for a person at a terminal, without a final newline. */
export function growthText(result: GrowthResult): string {
  const { orders, elapsedMs } = result.catchUp
  const caughtUp = `An empty replica fetched ${plural(orders, 'order')} in ${(elapsedMs / 1000).toFixed(1)} s, its start included.`
  return [
    textTable(growthTable(result)),
    `${caughtUp}\n${memoryNote(result)}`,
    textTable(ratioTable(growthRatios(result))),
    ...disturbanceNote(result.disturbance),
  ].join('\n\n')
}

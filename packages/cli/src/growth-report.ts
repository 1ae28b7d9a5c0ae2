import { formatCount, formatMs, plural } from './format.ts'
import type { GrowthResult } from './growth.ts'
import { type Ratio, ratioTable } from './ratio.ts'
import { columns, type Table, textTable } from './table.ts'

/** What growth may cost, with the goals. */
export function growthRatios({ stored, order, query, restartMs, catchUp, memory }: GrowthResult): Ratio[] {
  const what = `with ${plural(stored, 'order')} stored`
  const p50 = ({ none, many }: GrowthResult['order']) => (many.p50 ?? Number.NaN) / (none.p50 ?? Number.NaN)
  const { before, meanwhile } = catchUp.ordersPerSecond
  const below = (name: string, text: string, value: number, goal: number): Ratio => {
    return { name, what: text, value, goal, better: 'below' }
  }
  return [
    below('growthOrder', `order p50 ${what} ÷ with none`, p50(order), 1.1),
    below('growthOrderCpu', `CPU of an order ${what} ÷ with none`, order.many.cpuMs / order.none.cpuMs, 1.1),
    below('growthQuery', `order query p50 ${what} ÷ with none`, p50(query), 1.1),
    below('growthRestart', `a replica’s restart ${what}, s`, restartMs / 1000, stored > 1_000_000 ? 15 : 2.5),
    below('growthReplica', `memory of a replica ${what}, MiB`, memory.replica, 150),
    below('growthStore', `memory of the whole store ${what}, shared pages once, MiB`, memory.store, 600),
    {
      ...below('growthCatchUp', 'orders a second that an empty replica catches up', catchUp.perSecond, 100_000),
      better: 'above',
    },
    {
      ...below('growthMeanwhile', 'clients’ orders a second meanwhile ÷ before', meanwhile / before, 0.8),
      better: 'above',
    },
  ]
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
    columns: columns('<request', 'orders stored', 'n', 'per second', 'mean ms', 'p50', 'p99', 'CPU ms'),
    rows: rows.map(([what, orders, { count, perSecond, mean, p50, p99, cpuMs }]) => {
      return [what, orders, formatCount(count), formatCount(perSecond), ...[mean, p50, p99, cpuMs].map(formatMs)]
    }),
  }
}

/** The result for a person at a terminal, without a final newline. */
export function growthText(result: GrowthResult): string {
  const text = ({ columns, rows }: Table) => textTable(columns, rows)
  const { orders, elapsedMs } = result.catchUp
  const caughtUp = `An empty replica fetched ${plural(orders, 'order')} in ${(elapsedMs / 1000).toFixed(1)} s, its start included.`
  return [text(growthTable(result)), caughtUp, text(ratioTable(growthRatios(result)))].join('\n\n')
}

import type { ChainKind, ChainResult } from './chain-limits.ts'
import { disturbanceNote, isDisturbed } from './disturbance.ts'
import { formatCount, formatMean, formatMs, roundDeep } from './format.ts'
import type { GrowthResult } from './growth.ts'
import { growthRatios } from './growth-report.ts'
import { type LimitsResult, type LoadKind, loadKinds } from './limits.ts'
import type { Limits } from './limits-run.ts'
import { machineLine } from './machine.ts'
import type { Measured } from './meter.ts'
import { above, below, farOff, meetsGoal, missedNote, type Ratio, ratioTable } from './ratio.ts'
import { columns, type Table, textTable } from './table.ts'

type Load = LimitsResult['loads'][LoadKind]

/** The goals, as ratios, so that they hold on any machine (they were set where a bare route takes 0.06 ms of CPU). */
export function ratiosOf({ loads, lookupAndOrder5, append }: LimitsResult): Ratio[] {
  const { lookups50, orders64, order1, order5 } = loads
  const throughput = ({ bazaar, bare }: Load) => bazaar.perSecond / bare.perSecond
  const p50 = ({ p50 }: { p50: number | null }) => p50 ?? Number.NaN
  const cpu = ({ bazaar, bare }: Load) => bazaar.cpuMs / bare.cpuMs
  return [
    above('lookupThroughput', 'cached look-ups a second, 50 connections ÷ bare GET', throughput(lookups50), 0.9),
    above('orderThroughput', 'orders a second, 64 connections ÷ bare POST', throughput(orders64), 0.7),
    below(
      'order1',
      'one client’s order p50 ÷ (bare POST p50 + append-fdatasync p50)',
      p50(order1.bazaar) / (p50(order1.bare) + p50(append)),
      2,
    ),
    below('order5', 'five clients’ order p50 ÷ bare POST p50', p50(order5.bazaar) / p50(order5.bare), 3.5),
    below(
      'lookupAndOrder5',
      'look-up plus order mean, p = 0.8, five clients ÷ bare POST p50',
      lookupAndOrder5.mean / p50(order5.bare),
      2.2 / 0.65,
    ),
    below('lookupCpu', 'CPU of all processes a cached look-up ÷ bare GET', cpu(lookups50), 0.08 / 0.06),
    below('orderCpu', 'CPU of all processes an order ÷ bare POST', cpu(orders64), 0.25 / 0.06),
  ]
}

/** Whether the goals are: not where others took much of the machine. */
export const isJudged = ({ disturbance }: Pick<LimitsResult, 'disturbance'>): boolean => !isDisturbed(disturbance)

/** What was measured one after the other, each with what disturbed the machine meanwhile. */
const partsOf = (limits: LimitsResult, growth: GrowthResult | null): readonly Pick<LimitsResult, 'disturbance'>[] =>
  growth === null ? [limits] : [limits, growth]

/** Whether every order that was acknowledged is there, once, and no figure is off by half on a machine left alone. */
export function limitsPassed(limits: LimitsResult, growth: GrowthResult | null): boolean {
  return limitsFailures(limits, growth).length === 0
}

/** What is not so, a line for each. On a machine that others use, too, no figure can be told from noise. */
export function limitsFailures(limits: LimitsResult, growth: GrowthResult | null): string[] {
  const { acknowledged, counted } = limits.orders
  const lost = acknowledged === counted ? [] : [`${counted} orders are in the log, ${acknowledged} were acknowledged`]
  const ofLimits = isJudged(limits) ? ratiosOf(limits) : []
  const ofGrowth = growth !== null && isJudged(growth) ? growthRatios(growth) : []
  return [...lost, ...farOff([...ofLimits, ...ofGrowth])]
}

/** Whether all is well, and if not, why, for a person at a terminal. */
export function limitsVerdict(limits: LimitsResult, growth: GrowthResult | null): string {
  const failures = limitsFailures(limits, growth)
  if (failures.length > 0) return [...failures, 'FAILED'].join('\n')
  const parts = partsOf(limits, growth)
  if (parts.every(isJudged)) return 'all well'
  const goals = parts.some(isJudged) ? 'not all goals are' : 'the goals are not'
  return `no order is lost; ${goals} judged, because the machine was disturbed`
}

const kindNames: Record<LoadKind, string> = {
  lookups50: 'cached look-up, 50 connections',
  orders64: 'order, 64 connections',
  order1: 'order, 1 connection',
  order5: 'order, 5 connections',
  leanLookups50: 'cached look-up, 50 lean connections',
  leanOrders64: 'order, 64 lean connections',
}

/** The measured figures. */
export function limitsTable({ loads, append, chain }: Limits): Table {
  const row = (what: string, server: string, measured: Measured): string[] => {
    const { count, perSecond, mean, ci95, p50, p99, cpuMs, clientCpuMs } = measured
    const times = [mean, ci95, p50, p99, cpuMs, clientCpuMs].map(formatMs)
    return [what, server, formatCount(count), formatCount(perSecond), ...times]
  }
  const { count, mean, ci95, p50, p99 } = append
  const times = [mean, ci95, p50, p99].map(formatMs)
  const chainLoads: Partial<Record<LoadKind, ChainResult['loads'][ChainKind]>> = chain.loads
  return {
    columns: columns('<request', '<server', 'n', 'per second', 'mean ms', '± 95 %', 'p50', 'p99', 'CPU ms', 'client’s'),
    rows: [
      ...loadKinds.flatMap(kind => {
        const { bazaar, bare } = loads[kind]
        const alike = chainLoads[kind]
        return [
          row(kindNames[kind], 'Bazaar', bazaar),
          row('', 'bare Fastify', bare),
          ...(alike === undefined
            ? []
            : [row('', 'bare chain', alike.chain), row('', 'bare Fastify beside it', alike.bare)]),
        ]
      }),
      ['append + fdatasync, 200 bytes', 'the disk', formatCount(count), '', ...times, '', ''],
    ],
  }
}

/** The goals that the bare chain can be held to as well, by name. */
const chainRatios = ['orderThroughput', 'order1', 'order5', 'lookupAndOrder5']

/** What the bare chain makes of the goals, by name: more is not in three hops and two syncs of Node's on this machine. */
function ratiosOfChain(result: Limits): ReadonlyMap<string, number> {
  const { orders64, order1, order5 } = result.chain.loads
  const instead = ({ chain, bare }: ChainResult['loads'][ChainKind]): Load => ({ bazaar: chain, bare })
  const loads = {
    ...result.loads,
    orders64: instead(orders64),
    order1: instead(order1),
    order5: instead(order5),
  }
  const chainInstead = { ...result, loads, lookupAndOrder5: result.chain.lookupAndOrder5 }
  const ratios = ratiosOf(chainInstead).filter(({ name }) => chainRatios.includes(name))
  return new Map(ratios.map(({ name, value }) => [name, value]))
}

/** What the bare chain makes of the goals, and the shop. */
export function chainTable(result: Limits): Table {
  const ofChain = ratiosOfChain(result)
  return {
    columns: columns('<figure', 'goal', 'bare chain', 'Bazaar', 'Bazaar ÷ bare chain'),
    rows: ratiosOf(result)
      .filter(({ name }) => ofChain.has(name))
      .map(({ name, what, goal, better, value }) => {
        const limit = ofChain.get(name) ?? Number.NaN
        const goalText = `${better === 'above' ? '≥' : '≤'} ${goal.toFixed(2)}`
        return [what, goalText, ...[limit, value, value / limit].map(figure => figure.toFixed(2))]
      }),
  }
}

/** What the bare chain is, without a full stop. */
export const chainNote =
  'a bare Fastify that hands orders on to a process which hands them on to another, both of which sync them ' +
  'to disk: the three hops of an order with nothing in them, no log, ledger, keys or elections. It is measured after the ' +
  'shop, and its figures are divided by those of the bare Fastify beside it'

const clientsNote =
  'clients: Node’s own HTTP client on the same cores, as when the goals were set; lean ones take so little that only the servers count'

/** The experiment under the same load, in a sentence. */
export function mixText({ lookupAndOrder5: mix }: LimitsResult): string {
  return (
    `Look-up plus order at p = 0.8 with five clients: mean ${formatMean(mix)} ms of ${formatCount(mix.count)} ` +
    '(± 95 % from the means of its turns; in the tables from single times)'
  )
}

/** The result for a person at a terminal, without a final newline. */
export function limitsText(result: Limits): string {
  const { orders } = result
  return [
    `Bazaar bench --limits · ${result.seconds} s of each kind, in turns · ${machineLine(result.machine)}`,
    `${textTable(limitsTable(result))}\n${clientsNote}`,
    mixText(result),
    `${textTable(ratioTable(ratiosOf(result)))}\n${missedNote(isJudged(result))}`,
    `${textTable(chainTable(result))}\nbare chain: ${chainNote}`,
    ...disturbanceNote(result.disturbance),
    `${formatCount(orders.acknowledged)} orders acknowledged, ${formatCount(orders.counted)} in the log`,
  ].join('\n\n')
}

/**
 * The result for programs, with that of growth when it was measured too. A ratio's `chain` is what the bare chain makes of
 * it. Where they are not all `judged`, `passed` says nothing of those that were measured while the machine was disturbed.
 */
export function limitsJson(result: Limits, growth: GrowthResult | null): object {
  const ofChain = ratiosOfChain(result)
  const all = [...ratiosOf(result), ...(growth === null ? [] : growthRatios(growth))]
  const ratios = all.map(ratio => {
    const { name, value, goal, better } = ratio
    return [name, { value, goal, better, met: meetsGoal(ratio), chain: ofChain.get(name) }]
  })
  return roundDeep({
    ratios: Object.fromEntries(ratios),
    ...result,
    growth,
    judged: partsOf(result, growth).every(isJudged),
    passed: limitsPassed(result, growth),
  })
}

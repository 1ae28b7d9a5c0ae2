import {
  cachePairs,
  intervalNote,
  lackNotes,
  originalReportMs,
  partsTables,
  sumMean,
  sumTable,
} from './bench-report.ts'
import type { BenchmarkResult } from './benchmark.ts'
import type { Breakdown } from './breakdown.ts'
import type { ChaosResult } from './chaos-run.ts'
import { disturbanceNote } from './disturbance.ts'
import { formatCount, formatMean, formatMs, formatPercent, plural } from './format.ts'
import type { GrowthResult, LargeResult } from './growth.ts'
import { growthRatios, growthTable, largeRatios, memoryNote } from './growth-report.ts'
import { chainNote, chainTable, isJudged, limitsTable, mixText, ratiosOf } from './limits-report.ts'
import type { Limits } from './limits-run.ts'
import type { LinePlot } from './line-plot.ts'
import { machineLine } from './machine.ts'
import { missedNote, ratioTable } from './ratio.ts'
import { replacementText } from './replacement-report.ts'
import type { ReplacementResult } from './replacement-run.ts'
import { summarize } from './statistics.ts'
import { columns, markdownTable, type Table } from './table.ts'

/** All that Evaluation.md tells. */
export interface Evaluation {
  benchmark: BenchmarkResult
  limits: Limits
  breakdown: Breakdown
  growth: GrowthResult
  /** With ten times as many; null when it was not measured. */
  large: LargeResult | null
  failover: ChaosResult
  replacement: ReplacementResult
  /** The command that made it. */
  command: string
  /** The day it was made, as 2026-11-23. */
  date: string
}

/** The pictures that the document shows, by file name. */
export const evaluationPlots = { latency: 'latency.svg', original: 'original.svg', failover: 'failover.svg' } as const

/**
 * The document, in Markdown.
 *
 * @param folder where its pictures are, seen from the document
 */
export function evaluationMarkdown(evaluation: Evaluation, folder: string): string {
  const { benchmark, limits, growth, replacement, command, date } = evaluation
  const { products, entriesMax, steps } = replacement
  const linked = encodeURI(folder).replaceAll('#', '%23').replaceAll('?', '%3F')
  const sections = [
    `# Evaluation\n\nMeasured on ${date} with \`${command}\`, which writes this document; nothing in it is typed by hand.\n` +
      `The machine: ${machineLine(benchmark.machine)}. Clients, shop and all its processes share it.`,
    `## Look-up plus order\n\n${experiment(benchmark)}\n\n${[markdownTable(sumTable(benchmark)), ...lackNotes(benchmark), ...disturbanceNote(benchmark.disturbance)].join('\n\n')}\n\n` +
      `![Mean latency against p](${linked}/${evaluationPlots.latency})\n\n` +
      `![Against the original report](${linked}/${evaluationPlots.original})`,
    ...partsTables(benchmark).map(({ title, table }) => `### ${title}\n\n${markdownTable(table)}`),
    `## What the cache gains\n\n${markdownTable(cacheTable(benchmark))}\n\n` +
      `What it holds while one client looks products up at random and orders now and then:\n\n` +
      `\`\`\`\n${replacementText(products, entriesMax, steps)}\n\`\`\``,
    `## Limits\n\nA bare Fastify server with the same requests, schemas and bodies, and the bare disk, measured in turns ` +
      `with the shop.\n\n${markdownTable(limitsTable(limits))}\n\n${mixText(limits)}.\n\n` +
      [markdownTable(ratioTable(ratiosOf(limits))), ...disturbanceNote(limits.disturbance)].join('\n\n') +
      `\n\n${missedNote(isJudged(limits))}` +
      `\n\nHow much of that is within reach on this machine, a bare chain tells: ${chainNote}.` +
      `\n\n${markdownTable(chainTable(limits))}`,
    `## Where an order’s time goes\n\n${breakdownText(evaluation.breakdown)}`,
    `## Growth\n\n${growthSection(growth, evaluation.large)}`,
    `## Failover\n\n${failoverText(evaluation.failover)}\n\n![Failover](${linked}/${evaluationPlots.failover})`,
    `## Run it again\n\n\`\`\`sh\n${command}\n./bin/bazaar bench --help   # each part of it alone, or against a deployment with --url\n\`\`\``,
  ]
  return `${sections.join('\n\n')}\n`
}

function growthSection(growth: GrowthResult, large: LargeResult | null): string {
  const ratios = [...growthRatios(growth), ...(large === null ? [] : largeRatios(large))]
  const notes = large === null ? '' : `\n\n${memoryNote(large)}`
  const parts = [growthTable(growth), ratioTable(ratios)].map(markdownTable)
  return `${[...parts, ...disturbanceNote(growth.disturbance)].join('\n\n')}${notes}`
}

function experiment({ runs, seed, products, warmUp, verified }: BenchmarkResult): string {
  const [run] = runs
  const clients = run?.clients ?? 0
  const each = run === undefined ? 0 : run.iterations / clients
  const [read, asked] = [verified.orders, verified.orders + verified.unread].map(formatCount)
  const readBack = verified.unread === 0 ? `all ${read} were read back` : `${read} of ${asked} could be read back`
  return (
    `Each of ${clients} clients looks a random product of ${products} up and, with probability p, orders one; ` +
    `${formatCount(each)} times per client and p, seed ${seed}. Every figure comes from orders that are each durable on ` +
    `a majority of three replicas; ${readBack}, ${formatCount(warmUp.orders)} of them placed to warm up, ` +
    `${verified.mismatches} differed. ` +
    'The original report’s figures include a network round trip from a laptop to us-east-1. Times in ms. ' +
    `± 95 % is ${intervalNote}.`
  )
}

function cacheTable({ runs }: BenchmarkResult): Table {
  const gain = (on: number | null, off: number | null) => (on === null || off === null ? null : 1 - on / off)
  return {
    columns: columns(
      'p',
      'hits',
      'look-up, cache on',
      'off',
      'less time',
      'look-up + order, cache on',
      'off',
      'less time',
    ),
    rows: cachePairs(runs).map(({ on, off }) => [
      String(on.p),
      formatPercent(on.cacheHitRatio),
      ...[on.lookup, off.lookup].map(formatMean),
      formatPercent(gain(on.lookup.mean, off.lookup.mean)),
      ...[on.lookupAndOrder, off.lookupAndOrder].map(formatMean),
      formatPercent(gain(sumMean(on), sumMean(off))),
    ]),
  }
}

function breakdownText({ order, publicHttp, hop, judge, leader, disk }: Breakdown): string {
  const rows: [string, string, number][] = [
    ['public HTTP', 'a bare Fastify POST', publicHttp],
    ['front-end', 'key, coalescing, cache: the order − public HTTP − the leader’s share', order - publicHttp - leader],
    ['hop', 'a call to the leader and its answer, when nothing is to be stored', hop],
    ['judge, answer', 'one of a hundred orders with known keys in such a call', judge],
    ['disk', 'write and fdatasync of one line in a file that has its length, as the ring', disk],
    ['replicate, fold', 'an order given to the leader itself − all that', leader - hop - judge - disk],
    ['**order**', 'through the front-end', order],
  ]
  const table = {
    columns: columns('<part', '<measured as', 'ms', 'share'),
    rows: rows.map(([part, how, time]) => [part, how, formatMs(time), formatPercent(time / order)]),
  }
  return `Medians of one client’s orders, each part measured from outside, in turns.\n\n${markdownTable(table)}`
}

function failoverText({ failoversMs, record, audit, readBack, sha256, orders, options }: ChaosResult): string {
  const { count, p50, p99, max } = summarize(failoversMs.filter(time => time !== null))
  const unanswered = failoversMs.length - count
  const harmed = audit.lost + audit.wrong + audit.duplicated + readBack.mismatches + readBack.unread
  return (
    `The order leader was killed with SIGKILL ${plural(failoversMs.length, 'time')} while ${options.clients} clients ` +
    `shopped (seed ${options.seed}). From the kill until an order was answered that was asked for after it: ` +
    `p50 ${formatMs(p50)} ms, p99 ${formatMs(p99)} ms, max ${formatMs(max)} ms. ` +
    (unanswered === 0 ? '' : `After ${plural(unanswered, 'kill')} **no order** was answered any more. `) +
    `Of ${formatCount(record.requests)} requests ${record.failed} failed; of ${formatCount(record.acknowledged.length)} ` +
    `acknowledged orders ${harmed} were lost, wrong or doubled; the history is ${orders.ok ? '' : '**not** '}linearizable; ` +
    `the replicas’ files are ${new Set(sha256).size === 1 ? 'identical' : '**different**'}.`
  )
}

/** Bazaar and the original report, on a logarithmic axis: they are orders of magnitude apart. */
export function originalPlot({ runs, machine }: BenchmarkResult): LinePlot {
  const measured = runs.filter(run => run.cache !== 'off')
  return {
    title: 'Average time of a look-up and an order, and the original report’s',
    subtitle: `The original includes a network round trip to us-east-1 · ${machine.cores} × ${machine.cpu}`,
    xLabel: 'p, the probability that an order follows a look-up',
    yLabel: 'mean latency (ms), logarithmic',
    yLog: true,
    xTicks: measured.map(run => run.p),
    series: [
      {
        name: 'original report, 2023',
        color: 'grey',
        points: Object.entries(originalReportMs).map(([p, y]) => ({ x: Number(p), y })),
      },
      {
        name: 'Bazaar',
        color: 'green',
        points: measured.flatMap(run => {
          const mean = sumMean(run)
          return mean === null ? [] : [{ x: run.p, y: mean }]
        }),
      },
    ],
  }
}

/** How many of the kills were over within a time. */
export function failoverPlot({ failoversMs, options }: ChaosResult): LinePlot {
  const times = failoversMs.filter(time => time !== null).sort((a, b) => a - b)
  return {
    title: 'Failover after a leader’s SIGKILL',
    subtitle: `${plural(failoversMs.length, 'kill')}, ${plural(options.clients, 'client')} · seed ${options.seed}`,
    xLabel: 'time until an order asked for after the kill is answered (ms)',
    yLabel: 'kills over by then (%)',
    series: [
      {
        name: 'kills of the leader',
        color: 'orange',
        points: times.map((time, at) => ({ x: time, y: ((at + 1) / failoversMs.length) * 100 })),
      },
    ],
  }
}

import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { shellWord } from '@bazaar/cluster'
import { startBareServer } from './bare-process.ts'
import { type BenchOptions, benchDefaults, picturesFolder } from './bench-options.ts'
import { benchmarkPlot } from './bench-plot.ts'
import { benchmarkPassed } from './benchmark.ts'
import { runBenchmarkOn } from './benchmark-run.ts'
import { type Breakdown, measureBreakdown } from './breakdown.ts'
import { parseChaosOptions } from './chaos-options.ts'
import { chaosPassed } from './chaos-report.ts'
import { type ChaosResult, runChaos } from './chaos-run.ts'
import { type Evaluation, evaluationMarkdown, evaluationPlots, failoverPlot, originalPlot } from './evaluation.ts'
import { runGrowth, runLarge } from './growth.ts'
import { largeRatios } from './growth-report.ts'
import { limitsFailures } from './limits-report.ts'
import { runLimits } from './limits-run.ts'
import { benchStock, chaosStock, startOwnCluster } from './own-cluster.ts'
import { writePlot } from './plot-file.ts'
import type { Progress } from './progress.ts'
import { farOff } from './ratio.ts'
import { replacementPassed } from './replacement-report.ts'
import { runReplacement } from './replacement-run.ts'
import { httpShopper } from './shopper.ts'
import { writeOutput } from './write-output.ts'

const iterations = 1_000
const storedDefault = 1_000_000
const storedLarge = 10_000_000
const limitsSeconds = 10
const growthSeconds = 5
const breakdownSeconds = 3
const kills = 100
const replacementLookups = 70

/**
 * Measures everything, one part after the other, and writes the document and its pictures beside it. It takes about
 * twelve minutes, and 4.2 GB of the disk for the largest shop.
 *
 * @returns whether every check of every part passed
 */
export async function runEvaluation(file: string, options: BenchOptions, progress: Progress): Promise<boolean> {
  const { seed } = options
  const pictures = picturesFolder(file)
  // Now, and not after all is measured: there may be no room.
  mkdirSync(pictures, { recursive: true })
  const experiment: BenchOptions = { ...options, extent: { iterations }, cacheModes: ['on', 'off'], preload: 0 }
  const stored = options.preload === 0 ? storedDefault : options.preload
  const evaluation: Evaluation = {
    benchmark: await runBenchmarkOn(experiment, progress),
    limits: await runLimits({ seconds: limitsSeconds, seed }, progress),
    breakdown: await runBreakdown(progress),
    growth: await runGrowth({ stored, seconds: growthSeconds, seed }, progress),
    large: options.preload === 0 ? await runLarge(storedLarge, progress) : null,
    failover: await runFailovers(seed, progress),
    replacement: await runReplacement({ ...options, extent: { iterations: replacementLookups } }, progress),
    command: commandFor(file, options),
    date: new Date().toISOString().slice(0, 10),
  }
  const { benchmark, failover } = evaluation
  await writePlot(join(pictures, evaluationPlots.latency), benchmarkPlot(benchmark))
  await writePlot(join(pictures, evaluationPlots.original), originalPlot(benchmark))
  await writePlot(join(pictures, evaluationPlots.failover), failoverPlot(failover))
  writeOutput(file, evaluationMarkdown(evaluation, basename(pictures)))
  const failures = failuresOf(evaluation)
  console.log([`${file} is written`, ...failures, failures.length === 0 ? 'all well' : 'FAILED'].join('\n'))
  return failures.length === 0
}

/** What is not as it should be, a line for each. */
function failuresOf({ benchmark, limits, growth, large, failover, replacement }: Evaluation): string[] {
  return [
    ...(benchmarkPassed(benchmark) ? [] : ['the experiment: an error, or an order that is not as it was acknowledged']),
    ...limitsFailures(limits, growth),
    ...(large === null ? [] : farOff(largeRatios(large))),
    ...(chaosPassed(failover) ? [] : ['failover: a client noticed, or an order is not as it was acknowledged']),
    ...(replacementPassed(replacement.steps) ? [] : ['the cache did not do what an LRU does']),
  ]
}

/** What to type for the same again. */
function commandFor(file: string, { seed, preload }: BenchOptions): string {
  const seedWords = String(seed) === benchDefaults.seed ? '' : ` --seed ${seed}`
  const preloadWords = String(preload) === benchDefaults.preload ? '' : ` --preload ${preload}`
  return `./bin/bazaar bench --evaluation ${shellWord(file)}${seedWords}${preloadWords}`
}

async function runBreakdown(progress: Progress): Promise<Breakdown> {
  progress.stage('taking an order apart', null)
  const cluster = await startOwnCluster({ stock: benchStock })
  try {
    const bare = await startBareServer()
    const runId = `breakdown-${randomUUID().slice(0, 8)}`
    return await measureBreakdown(cluster, bare.port, runId, breakdownSeconds).finally(() => bare.stop())
  } finally {
    progress.clear()
    await cluster.stop()
  }
}

async function runFailovers(seed: number, progress: Progress): Promise<ChaosResult> {
  const noStrace = () => false
  const options = parseChaosOptions({ failover: String(kills) }, noStrace, () => seed)
  const cluster = await startOwnCluster({ stock: chaosStock })
  try {
    return await runChaos(cluster, () => httpShopper(cluster.url), options, progress)
  } finally {
    await cluster.stop()
  }
}

import { type CommandDef, defineCommand } from 'citty'
import { type BenchOptions, benchDefaults, parseBenchOptions } from './bench-options.ts'
import { benchmarkPlot } from './bench-plot.ts'
import { benchmarkCsv, benchmarkJson, benchmarkText } from './bench-report.ts'
import { benchmarkPassed } from './benchmark.ts'
import { runBenchmarkOn } from './benchmark-run.ts'
import { runEvaluation } from './evaluation-run.ts'
import { runGrowth } from './growth.ts'
import { growthText } from './growth-report.ts'
import { limitsJson, limitsPassed, limitsText, limitsVerdict } from './limits-report.ts'
import { runLimits } from './limits-run.ts'
import { writePlot } from './plot-file.ts'
import { progressOn } from './progress.ts'
import { replacementJson, replacementPassed, replacementText } from './replacement-report.ts'
import { runReplacement } from './replacement-run.ts'
import { exitStatus } from './usage-error.ts'
import { writeOutput } from './write-output.ts'

const limitsSecondsDefault = 5

const args = {
  url: { type: 'string', valueHint: 'URL', description: 'measure this deployment instead of a cluster of its own' },
  p: { type: 'string', valueHint: 'LIST', description: `probabilities of an order (${benchDefaults.p})` },
  clients: { type: 'string', valueHint: 'N', description: `clients at work at once (${benchDefaults.clients})` },
  iterations: {
    type: 'string',
    valueHint: 'N',
    description: `look-ups of each client per probability (${benchDefaults.iterations}), or of --replacement`,
  },
  seconds: {
    type: 'string',
    valueHint: 'N',
    description: `time for each probability, instead of --iterations; of each kind with --limits (${limitsSecondsDefault})`,
  },
  rate: { type: 'string', valueHint: 'N', description: 'open loop: N iterations a second, whatever the answers take' },
  cache: { type: 'string', valueHint: 'on|off|both', description: `the front-end's cache (${benchDefaults.cache})` },
  seed: { type: 'string', valueHint: 'N', description: `decides products and orders (${benchDefaults.seed})` },
  preload: {
    type: 'string',
    valueHint: 'N',
    description: `orders stored before the shop opens (${benchDefaults.preload})`,
  },
  json: { type: 'string', valueHint: 'FILE', description: 'write the result as JSON; - is standard output' },
  csv: { type: 'string', valueHint: 'FILE', description: 'write a line for each run; - is standard output' },
  plot: { type: 'string', valueHint: 'FILE', description: 'draw latency against p, as .svg or .png' },
  limits: {
    type: 'boolean',
    default: false,
    description: "compare with a bare Fastify and the disk's own speed; with --preload, what growth costs",
  },
  evaluation: { type: 'string', valueHint: 'FILE.md', description: 'measure everything and write it down' },
  replacement: { type: 'boolean', default: false, description: 'show what the cache holds over time' },
} as const

/** `bazaar bench`: the original report's experiment, with every order read back. */
export const benchCommand: CommandDef<typeof args> = defineCommand({
  meta: { name: 'bench', description: "Runs the original report's experiment and shows the result." },
  args,
  run: async ({ args }) => {
    const options = parseBenchOptions(args)
    const passed = await modeOf(options)(options)
    process.exitCode = passed ? exitStatus.ok : exitStatus.failed
  },
})

function modeOf({ limits, replacement, evaluationFile }: BenchOptions): (options: BenchOptions) => Promise<boolean> {
  if (evaluationFile !== null) return options => runEvaluation(evaluationFile, options, progressOn(process.stderr))
  if (limits) return benchLimits
  return replacement ? benchCache : benchReport
}

async function benchReport(options: BenchOptions): Promise<boolean> {
  const result = await runBenchmarkOn(options, progressOn(process.stderr))
  const { jsonFile, csvFile, plotFile } = options
  if (jsonFile !== '-' && csvFile !== '-') console.log(benchmarkText(result))
  // What cannot be written takes nothing else with it.
  const written = await Promise.allSettled([
    (async () => jsonFile !== null && writeJson(jsonFile, benchmarkJson(result)))(),
    (async () => csvFile !== null && writeOutput(csvFile, benchmarkCsv(result)))(),
    (async () => plotFile !== null && (await writePlot(plotFile, benchmarkPlot(result))))(),
  ])
  for (const outcome of written) if (outcome.status === 'rejected') throw outcome.reason
  return benchmarkPassed(result)
}

async function benchLimits({ jsonFile, extent, seed, preload }: BenchOptions): Promise<boolean> {
  const seconds = 'seconds' in extent ? extent.seconds : limitsSecondsDefault
  const progress = progressOn(process.stderr)
  const limits = await runLimits({ seconds, seed }, progress)
  if (jsonFile !== '-') console.log(limitsText(limits))
  const growth = preload === 0 ? null : await runGrowth({ stored: preload, seconds, seed }, progress)
  if (jsonFile !== '-' && growth !== null) console.log(`\nGrowth\n\n${growthText(growth)}`)
  if (jsonFile !== '-') console.log(`\n${limitsVerdict(limits, growth)}`)
  if (jsonFile !== null) writeJson(jsonFile, limitsJson(limits, growth))
  return limitsPassed(limits, growth)
}

async function benchCache(options: BenchOptions): Promise<boolean> {
  const { products, entriesMax, steps } = await runReplacement(options, progressOn(process.stderr))
  if (options.jsonFile !== '-') console.log(replacementText(products, entriesMax, steps))
  if (options.jsonFile !== null) writeJson(options.jsonFile, replacementJson(entriesMax, steps))
  return replacementPassed(steps)
}

function writeJson(file: string, result: object): void {
  writeOutput(file, `${JSON.stringify(result, null, 2)}\n`)
}

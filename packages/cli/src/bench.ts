import { randomUUID } from 'node:crypto'
import { type CommandDef, defineCommand } from 'citty'
import { type BenchOptions, type CacheMode, parseBenchOptions } from './bench-options.ts'
import { benchmarkPlot } from './bench-plot.ts'
import { benchmarkCsv, benchmarkJson, benchmarkText } from './bench-report.ts'
import { benchmarkPassed, runBenchmark, type Venue } from './benchmark.ts'
import { connectionShopper } from './connection-shopper.ts'
import { runGrowth } from './growth.ts'
import { growthText } from './growth-report.ts'
import { LeanConnection } from './lean-connection.ts'
import { limitsJson, limitsPassed, limitsText } from './limits-report.ts'
import { runLimits } from './limits-run.ts'
import { measureNetwork } from './network.ts'
import { benchStock, startOwnCluster } from './own-cluster.ts'
import { writePlot } from './plot-file.ts'
import { progressOn } from './progress.ts'
import { httpShopper, type Shopper } from './shopper.ts'
import { exitStatus } from './usage-error.ts'
import { writeText } from './write-text.ts'

/** The front-end's cache holds less than the twelve products of the shop, so that replacement happens. */
const cacheEntries = 10
const limitsSecondsDefault = 5

const args = {
  url: { type: 'string', valueHint: 'URL', description: 'measure this deployment instead of a cluster of its own' },
  p: { type: 'string', default: '0,0.2,0.4,0.6,0.8', valueHint: 'LIST', description: 'probabilities of an order' },
  clients: { type: 'string', default: '5', valueHint: 'N', description: 'clients at work at once' },
  iterations: { type: 'string', valueHint: 'N', description: 'look-ups of each client per probability (200)' },
  seconds: { type: 'string', valueHint: 'N', description: 'time for each probability, instead of --iterations' },
  rate: { type: 'string', valueHint: 'N', description: 'open loop: N iterations a second, whatever the answers take' },
  cache: { type: 'string', valueHint: 'on|off|both', description: "the front-end's cache (on)" },
  seed: { type: 'string', default: '1', valueHint: 'N', description: 'decides products and orders' },
  preload: { type: 'string', default: '0', valueHint: 'N', description: 'orders stored before the shop opens' },
  json: { type: 'string', valueHint: 'FILE', description: 'write the result as JSON; - is standard output' },
  csv: { type: 'string', valueHint: 'FILE', description: 'write a line for each run; - is standard output' },
  plot: { type: 'string', valueHint: 'FILE', description: 'draw latency against p, as .svg or .png' },
  limits: { type: 'boolean', default: false, description: "compare with a bare Fastify and the disk's own speed" },
} as const

/** `bazaar bench`: the original report's experiment, with every order read back. */
export const benchCommand: CommandDef<typeof args> = defineCommand({
  meta: { name: 'bench', description: "Runs the original report's experiment and shows the result." },
  args,
  run: async ({ args }) => {
    const options = parseBenchOptions(args)
    process.exitCode = await (options.limits ? benchLimits(options) : bench(options))
  },
})

async function benchLimits({ jsonFile, extent, seed, preload }: BenchOptions): Promise<number> {
  const seconds = 'seconds' in extent ? extent.seconds : limitsSecondsDefault
  const progress = progressOn(process.stderr)
  const result = await runLimits({ seconds, seed }, progress)
  if (jsonFile !== '-') console.log(limitsText(result))
  const growth = preload === 0 ? null : await runGrowth({ stored: preload, seconds, seed }, progress)
  if (jsonFile !== '-' && growth !== null) console.log(`\nGrowth\n\n${growthText(growth)}`)
  if (jsonFile !== null) writeText(jsonFile, `${JSON.stringify(limitsJson(result, growth), null, 2)}\n`)
  return limitsPassed(result) ? exitStatus.ok : exitStatus.failed
}

async function bench(options: BenchOptions): Promise<number> {
  const result = await runBenchmark(options, {
    openVenue: cache => openVenue(options, cache),
    connect,
    measureNetwork,
    progress: progressOn(process.stderr),
    runId: `bench-${randomUUID().slice(0, 8)}`,
  })
  const { jsonFile, csvFile, plotFile } = options
  if (jsonFile !== '-' && csvFile !== '-') console.log(benchmarkText(result))
  if (jsonFile !== null) writeText(jsonFile, `${JSON.stringify(benchmarkJson(result), null, 2)}\n`)
  if (csvFile !== null) writeText(csvFile, benchmarkCsv(result))
  if (plotFile !== null) await writePlot(plotFile, benchmarkPlot(result))
  return benchmarkPassed(result) ? exitStatus.ok : exitStatus.failed
}

/** On the machine that is measured the clients must take little of it; a deployment may need more of HTTP. */
async function connect({ url, exclusive }: Venue): Promise<Shopper> {
  if (!exclusive) return httpShopper(url)
  const { hostname, port } = new URL(url)
  return connectionShopper(await LeanConnection.open(hostname, Number(port)))
}

async function openVenue({ url, preload }: BenchOptions, cache: CacheMode | 'deployed'): Promise<Venue> {
  if (url !== null) return { url, cache: 'deployed', exclusive: false, close: async () => {} }
  const settings = { stock: benchStock, cache: cache === 'off' ? 0 : cacheEntries }
  const cluster = await startOwnCluster(settings, preload)
  return { url: cluster.url, cache, exclusive: true, close: () => cluster.stop() }
}

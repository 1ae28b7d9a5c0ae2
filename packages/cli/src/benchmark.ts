import type { Order, Product } from '@bazaar/client'
import type { BenchOptions, CacheMode } from './bench-options.ts'
import { type ExperimentResult, runExperiment } from './experiment.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Progress } from './progress.ts'
import type { Shopper } from './shopper.ts'
import type { Summary } from './statistics.ts'
import { type StockSum, sumStock, type Verification, verifyOrders } from './verification.ts'

/** A shop to measure. */
export interface Venue {
  url: string
  /** `deployed`: whatever the deployment behind a url was given. */
  cache: CacheMode | 'deployed'
  /** Nobody else orders or restocks here, so the stock must add up to the unit. */
  exclusive: boolean
  close(): Promise<void>
}

/** What the benchmark needs of the world. */
export interface BenchmarkWorld {
  openVenue(cache: CacheMode | 'deployed'): Promise<Venue>
  connect(venue: Venue): Promise<Shopper>
  /** Times to open a connection: the network's share of each figure. */
  measureNetwork(url: string): Promise<Summary>
  progress: Progress
  /** Makes the keys of this benchmark different from those of every other. */
  runId: string
}

/** One run: one probability with one cache. */
export interface BenchmarkRun extends Omit<ExperimentResult, 'acknowledged'> {
  p: number
  cache: Venue['cache']
  clients: number
}

export interface BenchmarkResult {
  runs: BenchmarkRun[]
  verified: Verification
  /** Null where others may have ordered too. */
  stock: StockSum | null
  network: Summary
  machine: Machine
  seed: number
  ratePerSecond: number | null
  preload: number
  /** Products in the shop. */
  products: number
}

/**
 * Compilers and caches are cold at first: this many iterations of each client come before the runs and are not counted.
 * They order too, and what they order is verified with the rest.
 */
export const warmUpIterations = 200
const warmUpProbability = 0.5

/** Runs the experiment for each cache and probability, reads every order back, and adds up the stock. */
export async function runBenchmark(options: BenchOptions, world: BenchmarkWorld): Promise<BenchmarkResult> {
  const modes = options.url === null ? options.cacheModes : (['deployed'] as const)
  const parts: VenueResult[] = []
  for (const mode of modes) {
    world.progress.stage('starting the shop', null)
    const venue = await world.openVenue(mode)
    try {
      parts.push(await measureVenue(venue, options, world))
    } finally {
      await venue.close()
      world.progress.clear()
    }
  }
  const [first] = parts
  if (first === undefined) throw new Error('a benchmark needs at least one shop, got none')
  const { seed, ratePerSecond, preload } = options
  return {
    runs: parts.flatMap(part => part.runs),
    verified: mergeVerifications(parts.map(part => part.verified)),
    stock: mergeStock(parts.map(part => part.stock)),
    network: first.network,
    machine: describeMachine(),
    seed,
    ratePerSecond,
    preload,
    products: first.products,
  }
}

/** Whether nothing went wrong: no error, no mismatch, and the stock is right where it can be known. */
export function benchmarkPassed({ runs, verified, stock }: BenchmarkResult): boolean {
  const stockRight = stock === null || stock.expected === stock.actual
  return stockRight && verified.mismatches === 0 && runs.every(run => run.errors === 0)
}

interface VenueResult {
  runs: BenchmarkRun[]
  verified: Verification
  stock: StockSum | null
  network: Summary
  products: number
}

async function measureVenue(venue: Venue, options: BenchOptions, world: BenchmarkWorld): Promise<VenueResult> {
  const network = await world.measureNetwork(venue.url)
  const shoppers = await Promise.all(Array.from({ length: options.clients }, () => world.connect(venue)))
  try {
    const before = await productsOf(shoppers)
    const context = { venue, options, world, shoppers, names: before.map(product => product.name) }
    const acknowledged = await warmUp(context)
    const runs: BenchmarkRun[] = []
    for (const p of options.probabilities) {
      const { acknowledged: ordered, ...result } = await measureProbability(context, p)
      // One by one: a long run has more orders than a call may have arguments.
      for (const order of ordered) acknowledged.push(order)
      runs.push({ p, cache: venue.cache, clients: options.clients, ...result })
    }
    world.progress.stage('reading every order back', acknowledged.length)
    const verified = await verifyOrders(shoppers, acknowledged, () => world.progress.step())
    const stock = venue.exclusive ? sumStock(before, acknowledged, await productsOf(shoppers)) : null
    return { runs, verified, stock, network, products: before.length }
  } finally {
    await Promise.all(shoppers.map(shopper => shopper.close()))
  }
}

interface Context {
  venue: Venue
  options: BenchOptions
  world: BenchmarkWorld
  shoppers: Shopper[]
  names: string[]
}

async function warmUp({ venue, options, world, shoppers, names }: Context): Promise<Order[]> {
  world.progress.stage('warming up', warmUpIterations * shoppers.length)
  const result = await runExperiment(shoppers, {
    p: options.probabilities.every(p => p === 0) ? 0 : warmUpProbability,
    extent: { iterations: warmUpIterations },
    ratePerSecond: null,
    seed: options.seed,
    products: names,
    keyPrefix: `${world.runId}-${venue.cache}-warm-up`,
    onIteration: () => world.progress.step(),
  })
  if (result.errors > 0) throw new Error(`the shop failed while warming up: ${result.errorMessages[0]}`)
  return result.acknowledged
}

function measureProbability(context: Context, p: number): Promise<ExperimentResult> {
  const { venue, options, world, shoppers, names } = context
  const { extent, ratePerSecond, seed } = options
  const cache = venue.cache === 'deployed' ? '' : `, cache ${venue.cache}`
  const total = 'iterations' in extent ? extent.iterations * shoppers.length : null
  world.progress.stage(`p = ${p}${cache}`, total)
  return runExperiment(shoppers, {
    p,
    extent,
    ratePerSecond,
    seed,
    products: names,
    keyPrefix: `${world.runId}-${venue.cache}-${p}`,
    onIteration: () => world.progress.step(),
  })
}

async function productsOf([shopper]: readonly Shopper[]): Promise<Product[]> {
  if (shopper === undefined) throw new Error('a benchmark needs at least one client, got none')
  return shopper.products()
}

function mergeVerifications(parts: readonly Verification[]): Verification {
  return {
    orders: parts.reduce((sum, part) => sum + part.orders, 0),
    mismatches: parts.reduce((sum, part) => sum + part.mismatches, 0),
    examples: parts.flatMap(part => part.examples),
  }
}

function mergeStock(parts: readonly (StockSum | null)[]): StockSum | null {
  const known = parts.filter(part => part !== null)
  if (known.length === 0) return null
  return {
    expected: known.reduce((sum, part) => sum + part.expected, 0),
    actual: known.reduce((sum, part) => sum + part.actual, 0),
  }
}

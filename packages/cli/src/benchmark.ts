import { ConnectionError, type Order, type Product } from '@bazaar/client'
import type { BenchOptions, CacheMode } from './bench-options.ts'
import { watchDisturbance } from './disturbance.ts'
import { type ExperimentOptions, type ExperimentResult, runExperiment } from './experiment.ts'
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
  /** Its processes, where they are on this machine. */
  pids: readonly number[]
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

/** What came before the runs, in all shops together. It stands in no figure, but its orders are verified with the rest. */
interface WarmUp {
  iterations: number
  orders: number
  errors: number
  errorMessages: string[]
}

export interface BenchmarkResult {
  /** The deployment that was measured; null: a cluster of its own. */
  url: string | null
  runs: BenchmarkRun[]
  warmUp: WarmUp
  verified: Verification
  /** Null where others may have ordered too. */
  stock: StockCheck | null
  network: Summary
  machine: Machine
  /** The share of this machine's processor time that went to others meanwhile, 0…1; null for a deployment elsewhere. */
  disturbance: number | null
  seed: number
  ratePerSecond: number | null
  preload: number
  /** Products in the shop. */
  products: number
}

/** Of all clients together, before the runs: until V8 has compiled a shop of our own, which takes some seconds. */
const warmUpIterationsOwn = 20_000
/** Of each client at a deployment, which has been running, and may be far away. */
const warmUpIterationsDeployed = 200
const warmUpProbability = 0.5
/** A few clients, or some far away, do not take that long: what is compiled by then is what they use. */
const warmUpSecondsMax = 10
/** A shop that answers nothing for so long while it warms up is not measured, in ms. */
const warmUpSilenceMaxMs = 1000

/** Compilers and caches are cold at first: at most this many iterations of each client come before the runs. */
export function warmUpIterations(cache: Venue['cache'], clients: number): number {
  return cache === 'deployed' ? warmUpIterationsDeployed : Math.ceil(warmUpIterationsOwn / clients)
}

/**
 * Runs the experiment for each cache and probability, reads every order back, and adds up the stock. With two caches both
 * shops run all the time and are measured in turns, so that a slow moment of the machine meets both alike.
 */
export async function runBenchmark(options: BenchOptions, world: BenchmarkWorld): Promise<BenchmarkResult> {
  const modes = options.url === null ? options.cacheModes : (['deployed'] as const)
  const visits: Visit[] = []
  try {
    for (const mode of modes) visits.push(await enter(mode, options, world))
    const [first] = visits
    if (first === undefined) throw new Error('a benchmark needs at least one shop, got none')
    const disturbance = watchDisturbance(visits.flatMap(({ venue }) => venue.pids))
    for (const p of options.probabilities) for (const visit of visits) await measure(visit, p, options, world)
    const disturbed = first.venue.exclusive ? disturbance() : null
    const checks = []
    for (const visit of visits) checks.push(await check(visit, world))
    const { url, seed, ratePerSecond, preload } = options
    return {
      url,
      runs: visits.flatMap(visit => visit.runs),
      warmUp: mergeWarmUps(visits.map(visit => visit.warmUp)),
      verified: mergeVerifications(checks.map(({ verified }) => verified)),
      stock: mergeStock(checks.map(({ stock }) => stock)),
      network: first.network,
      machine: describeMachine(),
      disturbance: disturbed,
      seed,
      ratePerSecond,
      preload,
      products: first.before.length,
    }
  } finally {
    world.progress.clear()
    for (const { shoppers, venue } of visits) {
      await Promise.all(shoppers.map(shopper => shopper.close()))
      await venue.close()
    }
  }
}

/** What there should be of the stock, and what there is; null when the shop did not tell. */
type StockCheck = Omit<StockSum, 'actual' | 'wrong'> & { actual: number | null; wrong: number | null }

/** Whether nothing went wrong: no error, no mismatch, and the stock is right where it can be known. */
export function benchmarkPassed({ runs, warmUp, verified, stock }: BenchmarkResult): boolean {
  const stockRight = stock === null || stock.wrong === 0
  return (
    stockRight && verified.mismatches + verified.unread === 0 && [warmUp, ...runs].every(({ errors }) => errors === 0)
  )
}

/** The clients in one shop, and what they were told so far. */
interface Guests {
  venue: Venue
  network: Summary
  shoppers: Shopper[]
  before: Product[]
  acknowledged: Order[]
}

/** And what was measured of it. */
interface Visit extends Guests {
  warmUp: WarmUp
  runs: BenchmarkRun[]
}

async function enter(mode: Venue['cache'], options: BenchOptions, world: BenchmarkWorld): Promise<Visit> {
  world.progress.stage(mode === 'deployed' ? 'looking at the shop' : 'starting the shop', null)
  const venue = await world.openVenue(mode)
  try {
    const network = await world.measureNetwork(venue.url)
    const shoppers = await Promise.all(Array.from({ length: options.clients }, () => world.connect(venue)))
    const guests = { venue, network, shoppers, before: await productsOf(shoppers), acknowledged: [] }
    return { ...guests, warmUp: await warmUp(guests, options, world), runs: [] }
  } catch (error) {
    await venue.close()
    throw error
  }
}

async function warmUp(visit: Guests, options: BenchOptions, world: BenchmarkWorld): Promise<WarmUp> {
  const iterations = warmUpIterations(visit.venue.cache, options.clients)
  world.progress.stage('warming up', iterations * options.clients)
  const { order, errors, errorMessages, givenUp, ...done } = await shop(visit, world, {
    p: options.probabilities.every(p => p === 0) ? 0 : warmUpProbability,
    extent: { iterations, seconds: warmUpSecondsMax },
    ratePerSecond: null,
    seed: options.seed,
    keyPrefix: `${world.runId}-${visit.venue.cache}-warm-up`,
    silenceMaxMs: warmUpSilenceMaxMs,
  })
  if (givenUp) throw new ConnectionError(`the shop failed while warming up: ${errorMessages[0]}`)
  return { iterations: done.iterations, orders: order.count, errors, errorMessages }
}

async function measure(visit: Visit, p: number, options: BenchOptions, world: BenchmarkWorld): Promise<void> {
  const { extent, ratePerSecond, seed, clients } = options
  const { cache } = visit.venue
  const label = cache === 'deployed' ? `p = ${p}` : `p = ${p}, cache ${cache}`
  if ('iterations' in extent) world.progress.stage(label, extent.iterations * clients)
  else world.progress.time(label, extent.seconds)
  const keyPrefix = `${world.runId}-${cache}-${visit.runs.length}`
  const result = await shop(visit, world, { p, extent, ratePerSecond, seed, keyPrefix })
  visit.runs.push({ p, cache, clients, ...result })
}

/** Runs the experiment and keeps what was acknowledged for the check at the end. */
async function shop(
  { shoppers, before, acknowledged }: Guests,
  { progress }: BenchmarkWorld,
  options: Omit<ExperimentOptions, 'products'>,
): Promise<Omit<ExperimentResult, 'acknowledged'>> {
  const products = before.map(product => product.name)
  const experiment = { ...options, products, onIteration: () => progress.step() }
  const { acknowledged: ordered, ...result } = await runExperiment(shoppers, experiment)
  // One by one: a long run has more orders than a call may have arguments.
  for (const order of ordered) acknowledged.push(order)
  return result
}

async function check(
  { venue, shoppers, before, acknowledged }: Visit,
  { progress }: BenchmarkWorld,
): Promise<{ verified: Verification; stock: StockCheck | null }> {
  progress.stage('reading every order back', acknowledged.length)
  const verified = await verifyOrders(shoppers, acknowledged, () => progress.step())
  if (!venue.exclusive) return { verified, stock: null }
  // A shop that is not there any more cannot tell; what was measured of it is told all the same.
  const after = await productsOf(shoppers).catch(() => null)
  const sum = sumStock(before, acknowledged, after ?? [])
  return { verified, stock: after === null ? { ...sum, actual: null, wrong: null } : sum }
}

async function productsOf([shopper]: readonly Shopper[]): Promise<Product[]> {
  if (shopper === undefined) throw new Error('a benchmark needs at least one client, got none')
  return shopper.products()
}

function mergeVerifications(parts: readonly Verification[]): Verification {
  return {
    orders: parts.reduce((sum, part) => sum + part.orders, 0),
    mismatches: parts.reduce((sum, part) => sum + part.mismatches, 0),
    unread: parts.reduce((sum, part) => sum + part.unread, 0),
    examples: parts.flatMap(part => part.examples),
  }
}

function mergeWarmUps(parts: readonly WarmUp[]): WarmUp {
  const sum = (count: 'iterations' | 'orders' | 'errors') => parts.reduce((all, part) => all + part[count], 0)
  const errorMessages = parts.flatMap(part => part.errorMessages)
  return { iterations: sum('iterations'), orders: sum('orders'), errors: sum('errors'), errorMessages }
}

function mergeStock(parts: readonly (StockCheck | null)[]): StockCheck | null {
  const known = parts.filter(part => part !== null)
  if (known.length === 0) return null
  const sumOf = (figure: 'actual' | 'wrong') =>
    known.reduce<number | null>((sum, { [figure]: each }) => (sum === null || each === null ? null : sum + each), 0)
  return {
    expected: known.reduce((sum, part) => sum + part.expected, 0),
    actual: sumOf('actual'),
    wrong: sumOf('wrong'),
  }
}

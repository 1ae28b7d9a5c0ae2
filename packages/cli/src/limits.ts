import { measureAppends } from './append-limit.ts'
import { warmUpIterations } from './benchmark.ts'
import { connectionShopper } from './connection-shopper.ts'
import { watchDisturbance } from './disturbance.ts'
import { runExperiment } from './experiment.ts'
import { LeanConnection } from './lean-connection.ts'
import type { NextRequest } from './load.ts'
import type { LoadConnection } from './load-connection.ts'
import { describeMachine, type Machine } from './machine.ts'
import { type Measured, Meter, type Target, turnsFor } from './meter.ts'
import { OrdinaryConnection } from './ordinary-connection.ts'
import type { Extent } from './pace.ts'
import type { Progress } from './progress.ts'
import type { Shopper } from './shopper.ts'
import { meanOfSlices, Recorder, type Slice, type Summary } from './statistics.ts'

/** A server on this machine. `pids` are those of all processes behind its port. */
export interface LimitsServer {
  port: number
  pids: readonly number[]
}

export interface LimitsOptions {
  /** The shop, with nobody else in it. */
  bazaar: LimitsServer
  bare: LimitsServer
  /** A folder on the disk that the shop's logs are on. */
  folder: string
  /** How long each kind of request is measured in all, in s. */
  seconds: number
  seed: number
  /** Makes the keys of this run different from those of every other. */
  runId: string
}

/** The kinds of load that Bazaar and the bare server are both put under. */
export const loadKinds = ['lookups50', 'orders64', 'order1', 'order5', 'leanLookups50', 'leanOrders64'] as const
export type LoadKind = (typeof loadKinds)[number]

/** The experiment's figure; the mean, and half of its 95 % confidence interval from slice to slice, in ms. */
export interface Mix {
  count: number
  mean: number
  ci95: number | null
}

/** Bazaar's figures and the limits they are compared with, in ms and requests a second. */
export interface LimitsResult {
  loads: Record<LoadKind, { bazaar: Measured; bare: Measured }>
  /** The experiment at p = 0.8 with five clients: the mean time of a look-up and an order, in ms. */
  lookupAndOrder5: Mix
  /** Append and fdatasync of one line. */
  append: Summary
  /** Orders that were acknowledged, and how many the shop had taken when the next one came. */
  orders: { acknowledged: number; counted: number }
  machine: Machine
  /** The share of the machine's processor time that went to others meanwhile, 0…1; null where it cannot be known. */
  disturbance: number | null
  seconds: number
}

export const connectionsMax = 64
/** So long each server is put under load before the first round: until V8 has compiled what it will run. */
export const warmUpMs = 3000
/** So long new connections are used at once. */
const firstUseMs = 100
/** So few names that the cache holds them all. */
const cachedNames = 5
const mixProbability = 0.8
export const mixClients = 5

/**
 * Measures the shop and a bare server side by side: one slice of each after the other, round after round. What warms them
 * up, some seconds of load and a first round, is not counted. Throws when any request fails.
 *
 * The clients are those that the goals were set with: Node's own HTTP client, on the same cores. The lean ones take so
 * little that what is measured is the servers alone.
 */
export async function measureLimits(options: LimitsOptions, progress: Progress): Promise<LimitsResult> {
  const opened: LoadConnection[] = []
  const open = async (lean: boolean, { port, pids }: LimitsServer): Promise<Target> => {
    const one = () => (lean ? LeanConnection.open(host, port) : new OrdinaryConnection(host, port))
    const connections = await Promise.all(Array.from({ length: connectionsMax }, one))
    opened.push(...connections)
    return { connections, pids }
  }
  try {
    const openBoth = async (lean: boolean): Promise<Targets> => {
      return { bazaar: await open(lean, options.bazaar), bare: await open(lean, options.bare) }
    }
    return await takeTurns(options, await openBoth(false), () => openBoth(true), progress)
  } finally {
    progress.clear()
    for (const connection of opened) connection.close()
  }
}

export const host = '127.0.0.1'

interface Targets {
  bazaar: Target
  bare: Target
}

async function takeTurns(
  { seconds, folder, seed, runId }: LimitsOptions,
  ordinary: Targets,
  openLean: () => Promise<Targets>,
  progress: Progress,
): Promise<LimitsResult> {
  const shoppers = ordinary.bazaar.connections.slice(0, mixClients).map(connectionShopper)
  const [shopper] = shoppers as [Shopper]
  const names = (await shopper.products()).map(product => product.name)
  const lookups = nextLookup(names.slice(0, cachedNames))
  const orders = nextOrder(names, runId)
  const disturbance = watchDisturbance([...ordinary.bazaar.pids, ...ordinary.bare.pids])
  progress.stage('warming up', null)
  const warming = [pairOf(ordinary, connectionsMax, orders), pairOf(ordinary, 50, lookups)] as const
  for (const pair of warming) await sliceOf(pair, warmUpMs)
  const mix = new MixMeter(shoppers, names, seed, runId)
  await mix.slice({ iterations: warmUpIterations('on', mixClients) })
  let acknowledged = warming[0].bazaar.count
  // Not before, and then at once: a server closes connections on which it is asked nothing.
  const lean = await openLean()
  await sliceOf(pairOf(lean, connectionsMax, lookups), firstUseMs)
  const meters: Record<LoadKind, MeterPair> = {
    lookups50: pairOf(ordinary, 50, lookups),
    leanLookups50: pairOf(lean, 50, lookups),
    order1: pairOf(ordinary, 1, orders),
    order5: pairOf(ordinary, 5, orders),
    orders64: pairOf(ordinary, 64, orders),
    leanOrders64: pairOf(lean, 64, orders),
  }
  const { rounds, sliceMs } = turnsFor(seconds)
  let append = new Recorder()
  progress.stage('measuring the limits', rounds + 1)
  for (let round = 0; round <= rounds; round += 1) {
    for (const pair of Object.values(meters)) await sliceOf(pair, sliceMs)
    measureAppends(folder, sliceMs, append)
    await mix.slice({ seconds: sliceMs / 1000 })
    if (round === 0) {
      append = new Recorder()
      acknowledged += ordersOf(meters)
      for (const { bazaar, bare } of Object.values(meters)) for (const meter of [bazaar, bare]) meter.restart()
      mix.restart()
    }
    progress.step()
  }
  const last = await shopper.order({ name: names[0] as string, quantity: 1, type: 'buy' }, `${runId}-last`)
  const loads = Object.fromEntries(
    loadKinds.map(kind => [kind, { bazaar: meters[kind].bazaar.measured(), bare: meters[kind].bare.measured() }]),
  ) as LimitsResult['loads']
  return {
    loads,
    lookupAndOrder5: mix.measured(),
    append: append.summary(),
    orders: { acknowledged: acknowledged + ordersOf(meters) + mix.orders, counted: last.number - 1 },
    machine: describeMachine(),
    disturbance: disturbance(),
    seconds,
  }
}

interface MeterPair {
  bazaar: Meter
  bare: Meter
}

const pairOf = ({ bazaar, bare }: Targets, connections: number, next: NextRequest): MeterPair => ({
  bazaar: new Meter(bazaar, connections, next),
  bare: new Meter(bare, connections, next),
})

async function sliceOf({ bazaar, bare }: MeterPair, durationMs: number): Promise<void> {
  await bare.slice(durationMs)
  await bazaar.slice(durationMs)
}

const ordersOf = ({ order1, order5, orders64, leanOrders64 }: Record<LoadKind, MeterPair>): number =>
  [order1, order5, orders64, leanOrders64].reduce((sum, { bazaar }) => sum + bazaar.count, 0)

function nextLookup(names: readonly string[]): NextRequest {
  let sent = 0
  return () => ({ method: 'GET', path: `/products/${encodeURIComponent(names[sent++ % names.length] as string)}` })
}

/** Orders of one unit, of all products in turn, each with a key of its own. */
export function nextOrder(names: readonly string[], runId: string): NextRequest {
  const bodies = names.map(name => JSON.stringify({ name, quantity: 1, type: 'buy' }))
  let sent = 0
  return () => {
    sent += 1
    return { method: 'POST', path: '/orders', json: bodies[sent % bodies.length] as string, key: `${runId}-${sent}` }
  }
}

/** Runs the experiment at p = 0.8 in slices, and adds them up. */
export class MixMeter {
  readonly #shoppers: readonly Shopper[]
  readonly #products: readonly string[]
  readonly #seed: number
  readonly #runId: string
  #slices = 0
  #measured: Slice[] = []
  #orders = 0

  constructor(shoppers: readonly Shopper[], products: readonly string[], seed: number, runId: string) {
    this.#shoppers = shoppers
    this.#products = products
    this.#seed = seed
    this.#runId = runId
  }

  /** All orders that were acknowledged. */
  get orders(): number {
    return this.#orders
  }

  /** Goes on for a while. Throws when a request fails. */
  async slice(extent: Extent): Promise<void> {
    const keyPrefix = `${this.#runId}-mix-${this.#slices++}`
    const [products, seed] = [this.#products, this.#seed]
    const run = { p: mixProbability, extent, ratePerSecond: null, seed, products, keyPrefix }
    const { lookupAndOrder, errors, errorMessages, acknowledged } = await runExperiment(this.#shoppers, run)
    if (errors > 0 || lookupAndOrder.mean === null) {
      throw new Error(`the experiment failed: ${errorMessages[0] ?? 'no look-up'}`)
    }
    this.#measured.push({ count: lookupAndOrder.count, mean: lookupAndOrder.mean })
    this.#orders += acknowledged.length
  }

  /** Forgets the times measured so far: they were to warm up. */
  restart(): void {
    this.#measured = []
  }

  measured(): Mix {
    return meanOfSlices(this.#measured)
  }
}

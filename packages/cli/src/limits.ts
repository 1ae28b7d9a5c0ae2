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
import { Recorder, type Summary } from './statistics.ts'

/** A server on this machine. `pids` are those of all processes behind its port. */
export interface LimitsServer {
  port: number
  pids: readonly number[]
}

export interface LimitsOptions {
  /** The shop, with nobody else in it. */
  bazaar: LimitsServer
  bare: LimitsServer
  /** See `startBareChain`. */
  chain: LimitsServer
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

/** One kind of load on each server; the chain has ordinary clients' orders only. */
export interface Load {
  bazaar: Measured
  bare: Measured
  chain: Measured | null
}

/** The experiment's figure; its mean is in ms. */
export interface Mix {
  count: number
  mean: number
}

/** Bazaar's figures and the limits they are compared with, in ms and requests a second. */
export interface LimitsResult {
  loads: Record<LoadKind, Load>
  /** The experiment at p = 0.8 with five clients: the mean time of a look-up and an order, in ms. */
  lookupAndOrder5: Mix
  /** The same on the bare chain, where every look-up is a hit. */
  chainLookupAndOrder5: Mix
  /** Append and fdatasync of one line. */
  append: Summary
  /** Orders that were acknowledged, and how many the shop had taken when the next one came. */
  orders: { acknowledged: number; counted: number }
  machine: Machine
  /** The share of the machine's processor time that went to others meanwhile, 0…1; null where it cannot be known. */
  disturbance: number | null
  seconds: number
}

const connectionsMax = 64
/** So long each server is put under load before the first round: until V8 has compiled what it will run. */
export const warmUpMs = 3000
/** So long new connections are used at once. */
const firstUseMs = 100
/** So few names that the cache holds them all. */
const cachedNames = 5
const mixProbability = 0.8
const mixClients = 5

/**
 * Measures the shop, a bare server and a bare chain side by side: one slice of each after the other, round after round. What warms them
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
    const [ordinary, chain] = [await openBoth(false), await open(false, options.chain)]
    return await takeTurns(options, ordinary, chain, () => openBoth(true), progress)
  } finally {
    progress.clear()
    for (const connection of opened) connection.close()
  }
}

const host = '127.0.0.1'

interface Targets {
  bazaar: Target
  bare: Target
}

async function takeTurns(
  options: LimitsOptions,
  ordinary: Targets,
  chain: Target,
  openLean: () => Promise<Targets>,
  progress: Progress,
): Promise<LimitsResult> {
  const { seconds, folder, seed, runId } = options
  const shoppersAt = ({ connections }: Target) => connections.slice(0, mixClients).map(connectionShopper)
  const [shoppers, chainShoppers] = [shoppersAt(ordinary.bazaar), shoppersAt(chain)]
  const [shopper] = shoppers as [Shopper]
  const names = (await shopper.products()).map(product => product.name)
  const lookups = nextLookup(names.slice(0, cachedNames))
  const orders = nextOrder(names, runId)
  const disturbance = watchDisturbance([options.bazaar, options.bare, options.chain].flatMap(({ pids }) => pids))
  progress.stage('warming up', null)
  const warming = [metersOf(ordinary, connectionsMax, orders, chain), metersOf(ordinary, 50, lookups)] as const
  for (const meters of warming) await sliceOf(meters, warmUpMs)
  const mixing = { iterations: warmUpIterations('on', mixClients) }
  const warmed = await mixOnce(shoppers, names, mixing, seed, `${runId}-warm-up`)
  await mixOnce(chainShoppers, names, mixing, seed, '')
  let acknowledged = warming[0].bazaar.count + warmed.orders
  // Not before, and then at once: a server closes connections on which it is asked nothing.
  const lean = await openLean()
  await sliceOf(metersOf(lean, connectionsMax, lookups), firstUseMs)
  const meters: Record<LoadKind, Meters> = {
    lookups50: metersOf(ordinary, 50, lookups),
    leanLookups50: metersOf(lean, 50, lookups),
    order1: metersOf(ordinary, 1, orders, chain),
    order5: metersOf(ordinary, 5, orders, chain),
    orders64: metersOf(ordinary, 64, orders, chain),
    leanOrders64: metersOf(lean, 64, orders),
  }
  const { rounds, sliceMs } = turnsFor(seconds)
  const [mix, chainMix] = [new MeanOfMany(), new MeanOfMany()]
  let append = new Recorder()
  progress.stage('measuring the limits', rounds + 1)
  for (let round = 0; round <= rounds; round += 1) {
    for (const kind of Object.values(meters)) await sliceOf(kind, sliceMs)
    measureAppends(folder, sliceMs, append)
    const extent = { seconds: sliceMs / 1000 }
    const chainMixed = await mixOnce(chainShoppers, names, extent, seed, '')
    const mixed = await mixOnce(shoppers, names, extent, seed, `${runId}-mix-${round}`)
    acknowledged += mixed.orders
    if (round === 0) {
      append = new Recorder()
      acknowledged += ordersOf(meters)
      for (const { bazaar, bare, chain } of Object.values(meters))
        for (const one of [bazaar, bare, chain]) one?.restart()
    } else {
      mix.add(mixed)
      chainMix.add(chainMixed)
    }
    progress.step()
  }
  const last = await shopper.order({ name: names[0] as string, quantity: 1, type: 'buy' }, `${runId}-last`)
  const loads = Object.fromEntries(loadKinds.map(kind => [kind, measuredBy(meters[kind])])) as LimitsResult['loads']
  return {
    loads,
    lookupAndOrder5: mix.mix,
    chainLookupAndOrder5: chainMix.mix,
    append: append.summary(),
    orders: { acknowledged: acknowledged + ordersOf(meters), counted: last.number - 1 },
    machine: describeMachine(),
    disturbance: disturbance(),
    seconds,
  }
}

interface Meters {
  bazaar: Meter
  bare: Meter
  chain: Meter | null
}

function metersOf({ bazaar, bare }: Targets, connections: number, next: NextRequest, chain?: Target): Meters {
  const on = (target: Target) => new Meter(target, connections, next)
  return { bazaar: on(bazaar), bare: on(bare), chain: chain === undefined ? null : on(chain) }
}

async function sliceOf({ bazaar, bare, chain }: Meters, durationMs: number): Promise<void> {
  await bare.slice(durationMs)
  await chain?.slice(durationMs)
  await bazaar.slice(durationMs)
}

const measuredBy = ({ bazaar, bare, chain }: Meters): Load => ({
  bazaar: bazaar.measured(),
  bare: bare.measured(),
  chain: chain?.measured() ?? null,
})

const ordersOf = ({ order1, order5, orders64, leanOrders64 }: Record<LoadKind, Meters>): number =>
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

/** Adds means of slices up to one. */
class MeanOfMany {
  #count = 0
  #sum = 0

  add({ count, mean }: Mix): void {
    this.#count += count
    this.#sum += count * mean
  }

  get mix(): Mix {
    return { count: this.#count, mean: this.#sum / this.#count }
  }
}

async function mixOnce(
  shoppers: readonly Shopper[],
  products: readonly string[],
  extent: Extent,
  seed: number,
  keyPrefix: string,
): Promise<Mix & { orders: number }> {
  const run = { p: mixProbability, extent, ratePerSecond: null, seed, products, keyPrefix }
  const { lookupAndOrder, errors, errorMessages, acknowledged } = await runExperiment(shoppers, run)
  if (errors > 0 || lookupAndOrder.mean === null) {
    throw new Error(`the experiment failed: ${errorMessages[0] ?? 'no look-up'}`)
  }
  return { count: lookupAndOrder.count, mean: lookupAndOrder.mean, orders: acknowledged.length }
}

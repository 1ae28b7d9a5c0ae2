import type { Order } from '@bazaar/client'
import { closedPace, type Extent, openPace, type Pace } from './pace.ts'
import { type Random, seededRandom } from './random.ts'
import { orderOne, type Shopper } from './shopper.ts'
import { Recorder, type Summary } from './statistics.ts'

/** One run of the original report's experiment at one probability. */
export interface ExperimentOptions {
  /** The probability that an order follows a look-up, 0…1. */
  p: number
  extent: Extent
  /** Iterations a second of all clients together (open loop), or null: each client goes as fast as it is answered. */
  ratePerSecond: number | null
  seed: number
  /** Names of the products to choose from. */
  products: readonly string[]
  /** Idempotency keys begin with this. It must differ between runs, or a shop would answer from an earlier run. */
  keyPrefix: string
  /** Called after each iteration. */
  onIteration?: () => void
}

/** What a run measured. Times in ms. */
export interface ExperimentResult {
  /** Iterations done, by all clients together. */
  iterations: number
  elapsedMs: number
  lookup: Summary
  order: Summary
  /** An iteration: the look-up and, if one followed, the order. The original report's figure is its mean. */
  lookupAndOrder: Summary
  /** Requests answered a second. */
  perSecond: number
  /** Look-ups that the front-end's cache answered ÷ look-ups; null when the answers do not say. */
  cacheHitRatio: number | null
  /** Orders refused for want of stock. */
  refused: number
  /** Iterations that would have ordered, had the look-up not shown an empty shelf: their time is a look-up's alone. */
  soldOut: number
  /** Iterations of an open loop that started late, because every client was busy; they are measured from when they should have. */
  lateStarts: number
  errors: number
  /** The first few errors' messages. */
  errorMessages: string[]
  acknowledged: Order[]
}

const errorMessagesMax = 5
/** A client that met an error waits this long, so that it does not flood a shop that is down. */
const errorPauseMs = 50

/**
 * Runs the experiment with one concurrent client for each shopper: look a random product up; if there is stock, order
 * one with probability p. Prints nothing. Products and decisions depend on the seed alone: in a closed loop those of each
 * client, in an open loop, where whoever is free takes the next start, those of each start.
 */
export async function runExperiment(
  shoppers: readonly Shopper[],
  options: ExperimentOptions,
): Promise<ExperimentResult> {
  const tally = newTally()
  const startedAt = performance.now()
  const { ratePerSecond, extent } = options
  const paceOf = (client: number) => ({
    pace: closedPace(extent, startedAt),
    random: seededRandom(options.seed, client),
  })
  const shared =
    ratePerSecond === null
      ? null
      : { pace: openPace(ratePerSecond, shoppers.length, extent, startedAt), random: seededRandom(options.seed) }
  const clients = shoppers.map((shopper, client) =>
    runClient({ shopper, client, ...(shared ?? paceOf(client)), options, tally }),
  )
  await Promise.all(clients)
  const { plannedMs, lateStarts } = shared?.pace ?? { plannedMs: 0, lateStarts: 0 }
  return resultOf(tally, Math.max(performance.now() - startedAt, plannedMs), lateStarts)
}

interface Tally {
  lookup: Recorder
  order: Recorder
  lookupAndOrder: Recorder
  iterations: number
  hits: number
  hitsKnown: number
  refused: number
  soldOut: number
  errors: number
  errorMessages: string[]
  acknowledged: Order[]
}

function newTally(): Tally {
  const counters = { iterations: 0, hits: 0, hitsKnown: 0, refused: 0, soldOut: 0, errors: 0 }
  const recorders = { lookup: new Recorder(), order: new Recorder(), lookupAndOrder: new Recorder() }
  return { ...counters, ...recorders, errorMessages: [], acknowledged: [] }
}

interface ClientRun {
  shopper: Shopper
  client: number
  pace: Pace
  random: Random
  options: ExperimentOptions
  tally: Tally
}

async function runClient(run: ClientRun): Promise<void> {
  const { pace, random, options, tally, client } = run
  for (let iteration = 0; ; iteration += 1) {
    // Both are drawn whatever happens to the look-up, or one refusal would change all that follows; and with the start,
    // before others can draw.
    const name = random.pick(options.products)
    const wantsOrder = random.next() < options.p
    const startedAt = await pace.next()
    if (startedAt === null) return
    try {
      await iterate(run, { startedAt, name, wantsOrder, key: `${options.keyPrefix}-${client}-${iteration}` })
    } catch (error) {
      tally.errors += 1
      if (tally.errorMessages.length < errorMessagesMax) tally.errorMessages.push(String(error))
      await new Promise(resolve => setTimeout(resolve, errorPauseMs))
    }
    tally.iterations += 1
    options.onIteration?.()
  }
}

interface Iteration {
  startedAt: number
  name: string
  wantsOrder: boolean
  key: string
}

async function iterate({ shopper, tally }: ClientRun, { startedAt, name, wantsOrder, key }: Iteration): Promise<void> {
  const { product, hit } = await shopper.lookUp(name)
  const lookedUpAt = performance.now()
  tally.lookup.record(lookedUpAt - startedAt)
  if (hit !== null) tally.hitsKnown += 1
  if (hit) tally.hits += 1
  if (wantsOrder && product.quantity === 0) tally.soldOut += 1
  if (!wantsOrder || product.quantity === 0) {
    tally.lookupAndOrder.record(lookedUpAt - startedAt)
    return
  }
  const order = await orderOne(shopper, name, key)
  if (order === null) {
    tally.refused += 1
    return
  }
  tally.acknowledged.push(order)
  const orderedAt = performance.now()
  tally.order.record(orderedAt - lookedUpAt)
  tally.lookupAndOrder.record(orderedAt - startedAt)
}

function resultOf(tally: Tally, elapsedMs: number, lateStarts: number): ExperimentResult {
  const { iterations, refused, soldOut, errors, errorMessages, acknowledged } = tally
  return {
    iterations,
    elapsedMs,
    lookup: tally.lookup.summary(),
    order: tally.order.summary(),
    lookupAndOrder: tally.lookupAndOrder.summary(),
    perSecond: ((tally.lookup.count + tally.order.count + refused) * 1000) / elapsedMs,
    cacheHitRatio: tally.hitsKnown === 0 ? null : tally.hits / tally.hitsKnown,
    refused,
    soldOut,
    lateStarts,
    errors,
    errorMessages,
    acknowledged,
  }
}

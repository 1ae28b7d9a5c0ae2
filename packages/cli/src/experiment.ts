import type { Order } from '@bazaar/client'
import { errorText } from './error-text.ts'
import { closedPace, type Extent, type OpenPace, openPace, type Pace } from './pace.ts'
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
  /** When nothing was answered for so long, the rest is not tried. */
  silenceMaxMs?: number
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
  /**
   * Iterations of an open loop that did not start at all before its time was over. They are among the times with what they
   * had waited by then, so that a shop that hangs at the end cannot hide it: their figures are at least so high.
   */
  missedStarts: number
  errors: number
  /** The first few errors' messages. */
  errorMessages: string[]
  /** Nothing was answered for so long that the rest was not tried. */
  givenUp: boolean
  acknowledged: Order[]
}

const errorMessagesMax = 5
/** A client that met an error waits this long, so that it does not flood a shop that is down. */
const errorPauseMs = 50
/** Longer than a request may take; and a front-end that is started again answers within some seconds. */
const usualSilenceMaxMs = 30_000

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
  const endedAt = performance.now()
  const { pace } = shared ?? {}
  const elapsedMs = Math.max(endedAt - startedAt, pace?.plannedMs ?? 0)
  const perSecond = ((tally.lookup.count + tally.order.count + tally.refused) * 1000) / elapsedMs
  const missedStarts = pace === undefined || tally.givenUp ? 0 : recordMissed(tally, pace, endedAt)
  return resultOf(tally, { elapsedMs, perSecond, lateStarts: pace?.lateStarts ?? 0, missedStarts })
}

function recordMissed({ lookup, lookupAndOrder }: Tally, pace: OpenPace, endedAt: number): number {
  let missed = 0
  for (const intended of pace.missedStarts()) {
    for (const recorder of [lookup, lookupAndOrder]) recorder.record(endedAt - intended)
    missed += 1
  }
  return missed
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
  /** When something was answered last, or the run began. */
  answeredAt: number
  givenUp: boolean
  acknowledged: Order[]
}

function newTally(): Tally {
  const counters = { iterations: 0, hits: 0, hitsKnown: 0, refused: 0, soldOut: 0, errors: 0 }
  const recorders = { lookup: new Recorder(), order: new Recorder(), lookupAndOrder: new Recorder() }
  return {
    ...counters,
    ...recorders,
    errorMessages: [],
    answeredAt: performance.now(),
    givenUp: false,
    acknowledged: [],
  }
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
    if (startedAt === null || tally.givenUp) return
    try {
      await iterate(run, { startedAt, name, wantsOrder, key: `${options.keyPrefix}-${client}-${iteration}` })
      tally.answeredAt = performance.now()
    } catch (error) {
      noteError(tally, error, options.silenceMaxMs ?? usualSilenceMaxMs)
      if (!tally.givenUp) await new Promise(resolve => setTimeout(resolve, errorPauseMs))
    }
    tally.iterations += 1
    options.onIteration?.()
  }
}

function noteError(tally: Tally, error: unknown, silenceMaxMs: number): void {
  tally.errors += 1
  if (tally.errorMessages.length < errorMessagesMax) tally.errorMessages.push(errorText(error))
  if (tally.givenUp || performance.now() - tally.answeredAt < silenceMaxMs) return
  tally.givenUp = true
  tally.errorMessages.push(`nothing was answered for ${silenceMaxMs / 1000} s: the rest was not tried`)
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

type Paced = Pick<ExperimentResult, 'elapsedMs' | 'perSecond' | 'lateStarts' | 'missedStarts'>

function resultOf(tally: Tally, paced: Paced): ExperimentResult {
  const { iterations, refused, soldOut, errors, errorMessages, givenUp, acknowledged } = tally
  return {
    ...paced,
    iterations,
    lookup: tally.lookup.summary(),
    order: tally.order.summary(),
    lookupAndOrder: tally.lookupAndOrder.summary(),
    cacheHitRatio: tally.hitsKnown === 0 ? null : tally.hits / tally.hitsKnown,
    refused,
    soldOut,
    errors,
    errorMessages,
    givenUp,
    acknowledged,
  }
}

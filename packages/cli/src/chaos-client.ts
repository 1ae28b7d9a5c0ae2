import { setTimeout as sleep } from 'node:timers/promises'
import { BazaarError, type Order } from '@bazaar/client'
import type { OrderOperation } from '@bazaar/linearizability'
import { type ChaosRecord, failuresMax } from './chaos-record.ts'
import type { FaultHistory, RequestKind } from './fault-history.ts'
import type { Random } from './random.ts'
import type { Shopper } from './shopper.ts'

export interface ChaosClientOptions {
  shopper: Shopper
  /** Distinguishes this client's keys. */
  name: string
  random: Random
  products: readonly string[]
  /** Whether it looks products up; a client that only orders cannot be held up by a catalog. */
  looksUp: boolean
  record: ChaosRecord
  /** Whether to begin another request. */
  isOver(): boolean
  history: FaultHistory
}

/** A request is sent again, with the same key, until its fate is known, but not for ever. */
const retryForMs = 30_000
const retryPauseMs = 25
const quantityMax = 3
/** Refusals of an order: the shop's answer, not its failure; whether they are true, the check of the history says. */
const refusals: readonly string[] = ['OUT_OF_STOCK', 'PRODUCT_NOT_FOUND']

/**
 * One client of a chaos run: looks products up, buys and sells, and reads orders back, some of them not yet there, until
 * it is over. Everything it sees goes into the record. Products, quantities and kinds depend on the seed, times do not.
 */
export async function runChaosClient(options: ChaosClientOptions): Promise<void> {
  const { random, products } = options
  for (let turn = 0; !options.isOver(); turn += 1) {
    const name = random.pick(products)
    const kind = random.next()
    if (kind < 0.3 && options.looksUp) await lookUp(options, name)
    else if (kind < 0.45) await query(options)
    else await order(options, name, `${options.name}-${turn}`)
  }
}

async function lookUp(options: ChaosClientOptions, name: string): Promise<void> {
  const { shopper, record, history } = options
  await untilAnswered(options, 'look-up', name, async invoked => {
    const incarnation = history.frontend()
    const { product } = await shopper.lookUp(name)
    record.lookups.push({ frontend: incarnation, name, invoked, returned: performance.now(), product })
  })
}

async function query(options: ChaosClientOptions): Promise<void> {
  const { shopper, record, random, name: client } = options
  const newest = record.acknowledged.at(-1)?.number ?? 0
  // Now and then a number that was not given yet: a miss must be as true as a hit.
  const number = random.next() < 0.7 ? 1 + random.below(newest + 1) : newest + 1 + random.below(3)
  await untilAnswered(options, 'query', String(number), async invoked => {
    const order = await shopper.findOrder(number).catch(error => {
      if (error instanceof BazaarError && error.reason === 'ORDER_NOT_FOUND') return null
      throw error
    })
    const outcome = { order: order === null ? null : plain(order) }
    record.operations.push({ type: 'query', client, number, invoked, returned: performance.now(), outcome })
  })
}

async function order(options: ChaosClientOptions, name: string, key: string): Promise<void> {
  const { shopper, record, random, history, name: client } = options
  const side = random.next() < 0.55 ? 'buy' : 'sell'
  const quantity = 1 + random.below(quantityMax)
  let firstInvoked: number | null = null
  await untilAnswered(options, 'order', `${side} ${quantity} ${name}, key ${key}`, async invoked => {
    // An attempt whose answer was lost may have placed it: from then on others may see it.
    firstInvoked ??= invoked
    const incarnation = history.frontend()
    const attempt = { type: 'order', client, key, name, side, quantity, invoked } as const
    const note = (outcome: Extract<OrderOperation, { type: 'order' }>['outcome']) => {
      const returned = outcome === null ? null : performance.now()
      record.operations.push({ ...attempt, returned, outcome })
    }
    try {
      const order = plain(await shopper.order({ name, quantity, type: side }, key))
      note({ order })
      const returned = performance.now()
      const { number } = order
      record.acknowledged.push({ frontend: incarnation, name, number, invoked: firstInvoked, returned, order, key })
    } catch (error) {
      const reason = error instanceof BazaarError ? error.reason : null
      note(reason === 'OUT_OF_STOCK' || reason === 'PRODUCT_NOT_FOUND' ? { refused: reason } : null)
      throw error
    }
  })
}

/** Sends a request until it is answered or refused, and counts what a client would have noticed. */
async function untilAnswered(
  { record, history }: ChaosClientOptions,
  kind: RequestKind,
  what: string,
  send: (invoked: number) => Promise<void>,
): Promise<void> {
  const giveUpAt = performance.now() + retryForMs
  for (;;) {
    const invoked = performance.now()
    record.requests += 1
    try {
      return await send(invoked)
    } catch (error) {
      if (kind === 'order' && error instanceof BazaarError && refusals.includes(error.reason)) return
      const now = performance.now()
      if (history.excuses(kind, error, invoked)) record.retried += 1
      else {
        record.failed += 1
        const text = `${kind} ${what}: ${error} after ${(now - invoked).toFixed(0)} ms`
        if (record.failures.length < failuresMax) record.failures.push(text)
      }
      if (now > giveUpAt) return
      await sleep(retryPauseMs)
    }
  }
}

/** The order without the names that older editions of the course give its number. */
const plain = ({ number, name, type, quantity, price }: Order): Order => ({ number, name, type, quantity, price })

import { BazaarError, type Order, type Product } from '@bazaar/client'
import { plural } from './format.ts'
import type { Shopper } from './shopper.ts'

/** Whether the shop still knows what it acknowledged. */
export interface Verification {
  /** Orders read back. */
  orders: number
  /** Orders that were missing, read differently or not to be read, or whose number was given twice. */
  mismatches: number
  /** The first few mismatches, for people. */
  examples: string[]
}

const examplesMax = 5
/** So many reads without an answer, each of which may take as long as a request can, and the rest is not tried. */
const unansweredMax = 20

/**
 * Reads every acknowledged order back through the shoppers, all at work at once, and compares it field by field. Of a shop
 * that does not answer any more not every order is asked.
 */
export async function verifyOrders(
  shoppers: readonly Shopper[],
  acknowledged: readonly Order[],
  onOrder?: () => void,
): Promise<Verification> {
  const verification: Verification = { orders: acknowledged.length, mismatches: 0, examples: [] }
  const mismatch = (text: string): void => {
    verification.mismatches += 1
    if (verification.examples.length < examplesMax) verification.examples.push(text)
  }
  const numbers = new Set(acknowledged.map(order => order.number))
  if (numbers.size < acknowledged.length)
    mismatch(`${plural(acknowledged.length - numbers.size, 'order')} had the number of another`)

  let next = 0
  let unanswered = 0
  const readBack = async (shopper: Shopper): Promise<void> => {
    while (next < acknowledged.length && unanswered < unansweredMax) {
      const order = acknowledged[next++] as Order
      try {
        const difference = await differenceOf(shopper, order)
        if (difference !== null) mismatch(`order ${order.number}: ${difference}`)
      } catch (error) {
        unanswered += 1
        mismatch(`order ${order.number}: ${error}`)
      }
      onOrder?.()
    }
  }
  await Promise.all(shoppers.map(readBack))
  verification.mismatches += acknowledged.length - next
  return verification
}

/** Null when it reads as it was acknowledged. Throws what the shop says instead of an answer. */
async function differenceOf(shopper: Shopper, expected: Order): Promise<string | null> {
  try {
    const found = describe(await shopper.findOrder(expected.number))
    return found === describe(expected) ? null : `acknowledged ${describe(expected)}, read ${found}`
  } catch (error) {
    if (error instanceof BazaarError && error.reason === 'ORDER_NOT_FOUND') return String(error)
    throw error
  }
}

const describe = ({ number, name, type, quantity, price }: Order): string =>
  JSON.stringify({ number, name, type, quantity, price })

/** Units in stock of all products: what the orders leave of what there was, and what there is. */
export interface StockSum {
  expected: number
  actual: number
}

/** Adds up the stock before, the orders since, and the stock after. They agree when nobody else ordered or restocked. */
export function sumStock(
  before: readonly Product[],
  acknowledged: readonly Order[],
  after: readonly Product[],
): StockSum {
  const units = (products: readonly Product[]) => products.reduce((sum, product) => sum + product.quantity, 0)
  const taken = acknowledged.reduce((sum, { type, quantity }) => sum + (type === 'buy' ? quantity : -quantity), 0)
  return { expected: units(before) - taken, actual: units(after) }
}

import { BazaarError, type Order, type Product } from '@bazaar/client'
import { errorText } from './error-text.ts'
import { plural } from './format.ts'
import type { Shopper } from './shopper.ts'

/** Whether the shop still knows what it acknowledged. All is well if there are neither mismatches nor any unread. */
export interface Verification {
  /** Orders read back. */
  orders: number
  /** Of those, orders that were missing or read differently; and orders with the number of another. */
  mismatches: number
  /** Orders that the shop did not tell of. */
  unread: number
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
  const verification: Verification = { orders: 0, mismatches: 0, unread: 0, examples: [] }
  const example = (text: string): void => {
    if (verification.examples.length < examplesMax) verification.examples.push(text)
  }
  const numbers = new Set(acknowledged.map(order => order.number))
  const doubles = acknowledged.length - numbers.size
  verification.mismatches += doubles
  if (doubles > 0) example(`${plural(doubles, 'order')} had the number of another`)

  let next = 0
  const readBack = async (shopper: Shopper): Promise<void> => {
    while (next < acknowledged.length && verification.unread < unansweredMax) {
      const order = acknowledged[next++] as Order
      try {
        const difference = await differenceOf(shopper, order)
        verification.orders += 1
        if (difference === null) continue
        verification.mismatches += 1
        example(`order ${order.number}: ${difference}`)
      } catch (error) {
        verification.unread += 1
        example(`order ${order.number}: ${errorText(error)}`)
      } finally {
        onOrder?.()
      }
    }
  }
  await Promise.all(shoppers.map(readBack))
  verification.unread += acknowledged.length - next
  return verification
}

/** Null when it reads as it was acknowledged. Throws what the shop says instead of an answer. */
async function differenceOf(shopper: Shopper, expected: Order): Promise<string | null> {
  try {
    const found = describe(await shopper.findOrder(expected.number))
    return found === describe(expected) ? null : `acknowledged ${describe(expected)}, read ${found}`
  } catch (error) {
    if (error instanceof BazaarError && error.reason === 'ORDER_NOT_FOUND') return 'it is not there'
    throw error
  }
}

const describe = ({ number, name, type, quantity, price }: Order): string =>
  JSON.stringify({ number, name, type, quantity, price })

/** Units in stock of all products: what the orders leave of what there was, and what there is. */
export interface StockSum {
  expected: number
  actual: number
  /** Products of which there are more or fewer units than that: what one has too many, another may lack. */
  wrong: number
}

/** Compares the stock before and the orders since with the stock after. They agree when nobody else ordered or restocked. */
export function sumStock(
  before: readonly Product[],
  acknowledged: readonly Order[],
  after: readonly Product[],
): StockSum {
  const left = new Map(before.map(({ name, quantity }) => [name, quantity]))
  for (const { name, type, quantity } of acknowledged) {
    left.set(name, (left.get(name) ?? 0) + (type === 'buy' ? -quantity : quantity))
  }
  return compareStock(left, after)
}

/** Compares the units that there should be of each product with those that there are. */
export function compareStock(expected: ReadonlyMap<string, number>, products: readonly Product[]): StockSum {
  const actual = new Map(products.map(({ name, quantity }) => [name, quantity]))
  const unitsOf = (stock: ReadonlyMap<string, number>) => [...stock.values()].reduce((sum, units) => sum + units, 0)
  const names = [...new Set([...expected.keys(), ...actual.keys()])]
  const wrong = names.filter(name => expected.get(name) !== actual.get(name)).length
  return { expected: unitsOf(expected), actual: unitsOf(actual), wrong }
}

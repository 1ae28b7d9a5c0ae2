import { isDeepStrictEqual } from 'node:util'
import type { Order } from '@bazaar/client'
import type { OrderAttempt, OrderOperation, OrderQuery } from './order-operation.ts'

/** What the clients saw of the orders, by number. */
export interface KnownOrders {
  readonly orders: ReadonlyMap<number, Order>
  /** Numbers that a client got as the answer to its own order. The others were only read. */
  readonly acknowledged: ReadonlySet<number>
  /** The highest number, 0 for none. */
  readonly lastNumber: number
}

/**
 * Collects the orders that anyone saw. Returns a sentence instead when two sights of one order differ, two keys share
 * an order, one key has two, or an order is not what was asked for: no search is needed to reject that (I1, I2).
 */
export function knownOrders(history: readonly OrderOperation[]): KnownOrders | string {
  const orders = new Map<number, Order>()
  const keyOf = new Map<number, string>()
  const numberOf = new Map<string, number>()
  let lastNumber = 0
  for (const operation of history) {
    if (operation.type !== 'order' && operation.type !== 'query') continue
    const order = orderSeen(operation)
    if (order === null) continue
    const known = orders.get(order.number)
    if (known !== undefined && !isDeepStrictEqual(known, order)) {
      return `order ${order.number} changed: ${JSON.stringify(known)} and ${JSON.stringify(order)} (${operation.client})`
    }
    orders.set(order.number, order)
    lastNumber = Math.max(lastNumber, order.number)
    if (operation.type === 'query') {
      if (operation.number !== order.number)
        return `${operation.client} asked for ${operation.number}, got ${order.number}`
      continue
    }
    const { key, client } = operation
    if (!fulfils(order, operation)) return `${client} asked ${JSON.stringify(operation)}, got ${JSON.stringify(order)}`
    if ((numberOf.get(key) ?? order.number) !== order.number) {
      return `key ${key} has two orders: ${numberOf.get(key)} and ${order.number}`
    }
    if ((keyOf.get(order.number) ?? key) !== key) {
      return `order ${order.number} was given to two keys: ${keyOf.get(order.number)} and ${key}`
    }
    numberOf.set(key, order.number)
    keyOf.set(order.number, key)
  }
  return { orders, acknowledged: new Set(keyOf.keys()), lastNumber }
}

function orderSeen(operation: OrderAttempt | OrderQuery): Order | null {
  return operation.outcome !== null && 'order' in operation.outcome ? operation.outcome.order : null
}

function fulfils(order: Order, { name, side, quantity }: OrderAttempt): boolean {
  return order.name === name && order.type === side && order.quantity === quantity
}

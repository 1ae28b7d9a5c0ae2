import type { Order } from '@bazaar/client'
import type { KnownOrders } from './known-orders.ts'
import type { Pricing, Stocking } from './order-operation.ts'

/** A stocking or a repricing whose place in the log is known. */
export type PlacedChange = (Stocking | Pricing) & { readonly after: number }

/** What is known to have happened in turn: the order of a number, or a change after it. */
export interface Slot {
  /** The order's, or that of the last order before the change. */
  readonly number: number
  /** Null when nobody saw the order of this number, or when this is a change. */
  readonly order: Order | null
  /** Some client got the order as its own; only that operation may fill the slot. */
  readonly acknowledged: boolean
  readonly change: PlacedChange | null
}

/** The orders by number, and after each the changes that are known to follow it. Only one product's with its `name`. */
export function slotsOf(known: KnownOrders, changes: readonly PlacedChange[], name: string | null): Slot[] {
  const following = Map.groupBy(changes, change => change.after)
  const slots: Slot[] = []
  for (let number = 0; number <= known.lastNumber; number++) {
    const order = known.orders.get(number) ?? null
    const inScope = name === null || order === null || order.name === name
    if (number > 0 && inScope) {
      slots.push({ number, order, acknowledged: known.acknowledged.has(number), change: null })
    }
    for (const change of following.get(number) ?? []) {
      if (name === null || change.name === name) slots.push({ number, order: null, acknowledged: false, change })
    }
  }
  return slots
}

/** Whose slot it is, is known; any other belongs to some operation without an answer. */
export function isTaken({ order, change }: Slot): boolean {
  return order !== null || change !== null
}

import type { Order } from '@bazaar/client'
import type { KnownOrders } from './known-orders.ts'
import type { InitialProducts, OrderAttempt, OrderOperation, OrderQuery, Pricing, Stocking } from './order-operation.ts'
import { isTaken, type PlacedChange, type Slot, slotsOf } from './slots.ts'
import type { Model } from './types.ts'

interface Stocked {
  readonly price: number
  readonly quantity: number
}

/** How far the line of slots is filled, the products, and which of the keys that were refused too have their order. */
export interface Shop {
  readonly place: number
  readonly products: ReadonlyMap<string, Stocked>
  readonly ordered: ReadonlySet<string>
}

const impossible: readonly Shop[] = []

/**
 * The shop that handles one order at a time. Orders take their numbers in turn, so the numbers that were seen leave the
 * search hardly a choice. An order that nobody got as an answer, but that was read, or whose number is missing between
 * those seen, belongs to some operation without an answer.
 *
 * With a product's `name` the history must hold only what concerns that product. Its numbers then have gaps, and a
 * number that nobody saw may or may not be one of its own.
 */
export class ShopModel implements Model<Shop, OrderOperation> {
  readonly initial: Shop
  readonly #slots: readonly Slot[]
  /** Slots by order number, and by the key of a placed change. */
  readonly #slotOf = new Map<number | string, number>()
  readonly #lastNumber: number
  readonly #wholeShop: boolean
  readonly #alsoRefused: ReadonlySet<string>

  /** @param alsoRefused keys that were refused and may have an order all the same, which is then the later of the two */
  constructor(
    products: InitialProducts,
    known: KnownOrders,
    changes: readonly PlacedChange[],
    alsoRefused: ReadonlySet<string>,
    name: string | null,
  ) {
    const inScope = products.filter(product => name === null || product.name === name)
    this.initial = {
      place: 0,
      products: new Map(inScope.map(({ name, price, quantity }) => [name, { price, quantity }])),
      ordered: new Set(),
    }
    this.#alsoRefused = alsoRefused
    this.#wholeShop = name === null
    this.#lastNumber = known.lastNumber
    this.#slots = slotsOf(known, changes, name)
    for (const [at, { number, change }] of this.#slots.entries()) this.#slotOf.set(change?.key ?? number, at)
  }

  apply(shop: Shop, operation: OrderOperation): readonly Shop[] {
    if (operation.type === 'query') return this.#query(shop, operation)
    if (operation.type === 'price') return this.#price(shop, operation)
    if (operation.type !== 'order') return this.#stock(shop, operation)
    if (operation.outcome === null) return this.#unanswered(shop, operation)
    if ('refused' in operation.outcome) return this.#refused(shop, operation, operation.outcome.refused)
    const slot = this.#slotOf.get(operation.outcome.order.number) as number
    return this.#reaches(shop.place, slot) ? this.#accept(shop, slot, operation) : impossible
  }

  /** Whether the slots from `place` up to `slot` may be somebody else's. */
  #reaches(place: number, slot: number): boolean {
    if (this.#wholeShop || slot <= place) return slot === place
    for (let at = place; at < slot; at++) if (isTaken(this.#slots[at] as Slot)) return false
    return true
  }

  #accept(shop: Shop, slot: number, { key, name, side, quantity }: OrderAttempt): readonly Shop[] {
    const stocked = shop.products.get(name)
    if (stocked === undefined) return impossible
    const order = this.#slots[slot]?.order ?? null
    if (order !== null && order.price !== stocked.price) return impossible
    const left = stocked.quantity + (side === 'buy' ? -quantity : quantity)
    if (left < 0) return impossible
    const ordered = this.#alsoRefused.has(key) ? new Set(shop.ordered).add(key) : shop.ordered
    return [{ place: slot + 1, products: withProduct(shop, name, { price: stocked.price, quantity: left }), ordered }]
  }

  #unanswered(shop: Shop, operation: OrderAttempt): readonly Shop[] {
    const states: Shop[] = []
    let unseenTried = false
    for (let at = shop.place; at < this.#slots.length; at++) {
      const slot = this.#slots[at] as Slot
      if (isTaken(slot)) {
        if (!slot.acknowledged && fits(slot.order, operation)) states.push(...this.#accept(shop, at, operation))
        return states
      }
      if (!unseenTried) states.push(...this.#accept(shop, at, operation))
      unseenTried = true
      if (this.#wholeShop) return states
    }
    if (!unseenTried) states.push(...this.#accept(shop, Math.max(shop.place, this.#slots.length), operation))
    return states
  }

  #refused(shop: Shop, { key, name, side, quantity }: OrderAttempt, refused: string): readonly Shop[] {
    // From then on the key gets its order (I2).
    if (shop.ordered.has(key)) return impossible
    const stocked = shop.products.get(name)
    const right =
      refused === 'PRODUCT_NOT_FOUND'
        ? stocked === undefined
        : side === 'buy' && stocked !== undefined && stocked.quantity < quantity
    return right ? [shop] : impossible
  }

  #query(shop: Shop, { number, outcome }: OrderQuery): readonly Shop[] {
    const slot = this.#slotOf.get(number) ?? this.#slots.length + number - this.#lastNumber - 1
    const exists = shop.place > slot
    return exists === (outcome?.order != null) ? [shop] : impossible
  }

  #stock(shop: Shop, { type, key, name, quantity, outcome }: Stocking): readonly Shop[] {
    const stocked = shop.products.get(name)
    if (outcome !== null && 'refused' in outcome) return stocked === undefined ? [shop] : impossible
    if (stocked === undefined) return impossible
    if (type === 'restock' && stocked.quantity > 0) return [shop]
    const done = this.#changed(shop, key, name, { price: stocked.price, quantity: stocked.quantity + quantity })
    // A restock with a key that had its effect before has none.
    return type === 'restock' ? [...done, shop] : done
  }

  #price(shop: Shop, { key, name, price }: Pricing): readonly Shop[] {
    return this.#changed(shop, key, name, { price, quantity: shop.products.get(name)?.quantity ?? 0 })
  }

  /** At its place, if that is known. */
  #changed(shop: Shop, key: string, name: string, stocked: Stocked): readonly Shop[] {
    const slot = this.#slotOf.get(key)
    if (slot !== undefined && !this.#reaches(shop.place, slot)) return impossible
    return [{ ...shop, place: slot === undefined ? shop.place : slot + 1, products: withProduct(shop, name, stocked) }]
  }

  readOnly({ type, outcome }: OrderOperation): boolean {
    return type === 'query' || (outcome !== null && 'refused' in outcome)
  }

  key({ place, products, ordered }: Shop): string {
    const stock = Array.from(products, ([name, { price, quantity }]) => `${name}:${price}:${quantity}`).sort()
    return `${place} ${stock} ${[...ordered].sort()}`
  }

  kind(operation: OrderOperation): string {
    if (operation.type === 'query') return `query ${operation.number}`
    if (operation.type === 'price') return `price ${operation.price} ${operation.name}`
    const side = operation.type === 'order' ? operation.side : operation.type
    const key = this.#alsoRefused.has(operation.key) ? `, key ${operation.key}` : ''
    return `${side} ${operation.quantity} ${operation.name}${key}`
  }

  describe(operation: OrderOperation): string {
    const outcome = operation.outcome === null ? 'no answer' : JSON.stringify(operation.outcome)
    return `${this.kind(operation)} → ${outcome}`
  }

  describeState({ place, products }: Shop): string {
    const stock = Array.from(products, ([name, { price, quantity }]) => `${name}: ${quantity} at ${price}`).join(', ')
    return `${stock}; next is ${this.#describeSlot(place)}`
  }

  #describeSlot(place: number): string {
    const slot = this.#slots[place]
    if (slot === undefined) return 'an order later than any that was seen'
    if (slot.change !== null) return this.kind(slot.change)
    return slot.order === null ? `order ${slot.number}, which nobody saw` : JSON.stringify(slot.order)
  }
}

function withProduct(shop: Shop, name: string, stocked: Stocked): ReadonlyMap<string, Stocked> {
  return new Map(shop.products).set(name, stocked)
}

function fits(order: Order | null, { name, side, quantity }: OrderAttempt): boolean {
  return order !== null && order.name === name && order.type === side && order.quantity === quantity
}

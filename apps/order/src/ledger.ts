import assert from 'node:assert/strict'
import { decode, type LogEntry, type Order, type Product } from '@bazaar/client/contract'
import { KeyIndex } from './key-index.ts'
import { NumberColumn } from './number-column.ts'

/** Keys of the last entries that are remembered; 12 bytes each. An older key is taken for a new one. */
export const keysMax = 1_000_000

/** Price in the shop's currency, stock in units. */
export interface Stocked {
  price: number
  quantity: number
}

/**
 * The fold over the committed log: products, order numbers, keys. It keeps a few bytes per order; an order itself is
 * read back from its line. Every replica folds the same entries, so any of them can become the judge.
 */
export class Ledger {
  readonly #lineAt: (index: number) => string
  readonly #products = new Map<string, Stocked>()
  /** The log index of order number n, at place n - 1. */
  readonly #orderIndexes = new NumberColumn()
  readonly #keySeed: number
  readonly #entriesMax: number
  #keys: KeyIndex
  #appliedIndex = 0
  #seeded = false

  /** `lineAt` reads a committed line; `keySeed` is any 32-bit number. */
  constructor(lineAt: (index: number) => string, keySeed: number, entriesMax = keysMax) {
    this.#lineAt = lineAt
    this.#keySeed = keySeed
    this.#entriesMax = entriesMax
    this.#keys = new KeyIndex(entriesMax, keySeed)
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  /** How many orders there are; their numbers are 1 … orders. */
  get orders(): number {
    return this.#orderIndexes.length
  }

  get seeded(): boolean {
    return this.#seeded
  }

  /**
   * Folds the next committed line, and returns what it says. A restart does this for every order ever made, so the messages
   * of what cannot happen are made only if it does. Keys that will be forgotten once the entry `last` follows are not noted
   * at all: with ten million orders that would be a quarter of the time.
   */
  apply(line: string, last = 0): LogEntry {
    const entry = decode(line)
    if (entry.index !== this.#appliedIndex + 1) {
      assert.fail(`entries are applied in order, each once: ${entry.index} after ${this.#appliedIndex}`)
    }
    this.#appliedIndex = entry.index
    const isForgotten = entry.index <= last - this.#entriesMax
    this.#keys.add(entry.type === 'noop' || isForgotten ? null : entry.key, entry.index)
    if (entry.type === 'buy' || entry.type === 'sell') this.#applyOrder(entry)
    else if (entry.type === 'product') this.#applyProduct(entry)
    else if (entry.type === 'stock') this.#stocked(entry.name).quantity += entry.quantity
    else if (entry.type === 'seeded') this.#seeded = true
    return entry
  }

  /** Back to the empty log. */
  reset(): void {
    this.#products.clear()
    this.#orderIndexes.truncate(0)
    this.#keys = new KeyIndex(this.#entriesMax, this.#keySeed)
    this.#appliedIndex = 0
    this.#seeded = false
  }

  #applyOrder(entry: LogEntry & { type: 'buy' | 'sell' }): void {
    if (entry.number !== this.orders + 1) {
      assert.fail(`order numbers have no gaps: ${entry.number} after ${this.orders}`)
    }
    const stocked = this.#stocked(entry.name)
    stocked.quantity += entry.type === 'buy' ? -entry.quantity : entry.quantity
    if (stocked.quantity < 0) assert.fail(`stock of ${entry.name} fell below 0 at index ${entry.index}`)
    this.#orderIndexes.push(entry.index)
  }

  #applyProduct(entry: LogEntry & { type: 'product' }): void {
    const known = this.#products.get(entry.name)
    if (known === undefined) this.#products.set(entry.name, { price: entry.price, quantity: entry.quantity ?? 0 })
    else known.price = entry.price
  }

  #stocked(name: string): Stocked {
    const stocked = this.#products.get(name)
    if (stocked === undefined) assert.fail(`an entry for ${name}, which is not a product`)
    return stocked
  }

  /** Price and stock of a product, or null. The caller must not change it. */
  product(name: string): Readonly<Stocked> | null {
    return this.#products.get(name) ?? null
  }

  products(): Product[] {
    return Array.from(this.#products, ([name, { price, quantity }]) => ({ name, price, quantity }))
  }

  /** Order number `number`, or null when there is none yet. */
  order(number: number): { index: number; order: Order } | null {
    if (number < 1 || number > this.orders) return null
    const index = this.#orderIndexes.at(number - 1)
    const order = orderOf(decode(this.#lineAt(index)))
    assert(order?.number === number, `the line at index ${index} is not order ${number}`)
    return { index, order }
  }

  /** The committed entry that carries the key, or null. */
  entryOfKey(key: string): Exclude<LogEntry, { type: 'noop' }> | null {
    let found: LogEntry | null = null
    this.#keys.find(key, index => {
      found = decode(this.#lineAt(index))
      return found.type !== 'noop' && found.key === key
    })
    const entry = found as LogEntry | null
    return entry !== null && entry.type !== 'noop' && entry.key === key ? entry : null
  }
}

/** The order that an entry records, or null when it records something else. */
export function orderOf(entry: LogEntry): Order | null {
  if (entry.type !== 'buy' && entry.type !== 'sell') return null
  const { number, name, type, quantity, price } = entry
  return { number, name, type, quantity, price }
}

import assert from 'node:assert/strict'
import { decode, type LineCursor, type LogEntry, type Order, type Product } from '@bazaar/client/contract'
import { KeyIndex } from './key-index.ts'
import { OrderTable } from './order-table.ts'
import { type Stocked, StockTable } from './stock-table.ts'

/** Keys of the last entries that are remembered; 12 bytes each. An older key is taken for a new one. */
const keysMax = 1_000_000

/**
 * The fold over the committed log: products, order numbers, keys. It keeps a few bytes per order; what does not fit
 * there is read back from the order's line. Every replica folds the same entries, so any of them can become the judge.
 */
export class Ledger {
  readonly #lineAt: (index: number) => Buffer
  readonly #products: StockTable
  readonly #orders = new OrderTable()
  readonly #seed: number
  readonly #entriesMax: number
  #keys: KeyIndex
  #appliedIndex = 0
  #seeded = false

  /** `lineAt` reads a committed line, good until the next call; `seed`, of its hashes, is any 32-bit number. */
  constructor(lineAt: (index: number) => Buffer, seed: number, entriesMax = keysMax) {
    this.#lineAt = lineAt
    this.#seed = seed
    this.#entriesMax = entriesMax
    this.#products = new StockTable(seed)
    this.#keys = new KeyIndex(entriesMax, seed)
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  /** How many orders there are; their numbers are 1 … orders. */
  get orders(): number {
    return this.#orders.length
  }

  get seeded(): boolean {
    return this.#seeded
  }

  /**
   * Folds the next committed line, where the cursor stands. A restart does this for every order ever made, so it makes no
   * strings, and the messages of what cannot happen only if it does. `last` is the last entry that is known to be committed:
   * there is room for what follows up to it at once, and keys that will be forgotten by then are not noted at all. With ten
   * million orders that would be a quarter of the time.
   */
  apply(line: LineCursor, last = 0): void {
    this.#keys.reserve(last)
    if (!line.readOrder()) {
      this.#applyEntry(decode(line.text))
      return
    }
    this.#advanceTo(line.index)
    const isForgotten = line.index <= last - this.#entriesMax
    this.#keys.add(line.index, line.bytes, line.keyStart, isForgotten ? line.keyStart : line.keyEnd)
    const stocked = this.#products.getWritten(line.bytes, line.nameStart, line.nameEnd)
    if (stocked === undefined) assert.fail(`an order for what is not a product at index ${line.index}`)
    this.#applyOrder(line, stocked)
    this.#orders.push(line, stocked)
  }

  #applyEntry(entry: LogEntry): void {
    this.#advanceTo(entry.index)
    this.#keys.add(entry.index, entry.type === 'noop' ? undefined : Buffer.from(entry.key))
    if (entry.type === 'product') this.#applyProduct(entry)
    else if (entry.type === 'stock') this.#stocked(entry.name).quantity += entry.quantity
    else if (entry.type === 'seeded') this.#seeded = true
    else if (entry.type !== 'noop') {
      const stockChange = entry.type === 'buy' ? -entry.quantity : entry.quantity
      this.#applyOrder({ ...entry, stockChange }, this.#stocked(entry.name))
      this.#orders.pushUnnoted(entry.index)
    }
  }

  #advanceTo(index: number): void {
    if (index !== this.#appliedIndex + 1) {
      assert.fail(`entries are applied in order, each once: ${index} after ${this.#appliedIndex}`)
    }
    this.#appliedIndex = index
  }

  /** Back to the empty log. */
  reset(): void {
    this.#products.clear()
    this.#orders.clear()
    this.#keys = new KeyIndex(this.#entriesMax, this.#seed)
    this.#appliedIndex = 0
    this.#seeded = false
  }

  #applyOrder(
    { index, number, stockChange }: Pick<LineCursor, 'index' | 'number' | 'stockChange'>,
    stocked: Stocked,
  ): void {
    if (number !== this.orders + 1) assert.fail(`order numbers have no gaps: ${number} after ${this.orders}`)
    stocked.quantity += stockChange
    if (stocked.quantity < 0) assert.fail(`stock fell below 0 at index ${index}`)
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
    return Array.from(this.#products.entries(), ([name, { price, quantity }]) => ({ name, price, quantity }))
  }

  /** Order number `number`, or null when there is none yet. */
  order(number: number): { index: number; order: Order } | null {
    if (number < 1 || number > this.orders) return null
    const index = this.#orders.index(number)
    const order = this.#orders.order(number) ?? orderOf(decode(this.#lineAt(index).toString('latin1')))
    assert(order?.number === number, `the line at index ${index} is not order ${number}`)
    return { index, order }
  }

  /** The committed entry that carries the key, or null. */
  entryOfKey(key: string): Exclude<LogEntry, { type: 'noop' }> | null {
    return this.#keys.find(key, index => {
      const entry = decode(this.#lineAt(index).toString('latin1'))
      return entry.type !== 'noop' && entry.key === key ? entry : null
    })
  }
}

/** The order that an entry records, or null when it records something else. */
export function orderOf(entry: LogEntry): Order | null {
  if (entry.type !== 'buy' && entry.type !== 'sell') return null
  const { number, name, type, quantity, price } = entry
  return { number, name, type, quantity, price }
}

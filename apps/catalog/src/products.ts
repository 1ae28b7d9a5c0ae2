import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { decode, type LineCursor, type LogEntry, type Product } from '@bazaar/client'

/** A product, its stock in units, and the index of the entry that changed it last. */
export interface HeldProduct extends Product {
  index: number
}

/** The fold as it stood at an index, as JSON. `crc` is the CRC-32 of the JSON text of all other fields. */
export interface Snapshot {
  appliedIndex: number
  appliedTerm: number
  appliedCrc: number
  seeded: boolean
  products: readonly HeldProduct[]
  crc: number
}

/** A line of the log that is not what its replica once wrote: it was damaged on the disk or on the way. */
export class CorruptLineError extends Error {
  override readonly name = 'CorruptLineError'
}

/** The line at an index already applied is not the one that was applied: the log is another one. */
export class OtherLogError extends Error {
  override readonly name = 'OtherLogError'
}

/** The fold over the committed log that look-ups read: products, prices, stock. Pure: lines in, answers out. */
export class Products {
  #products = new Map<string, HeldProduct>()
  #appliedIndex = 0
  #appliedTerm = 0
  #appliedCrc = 0
  #seeded = false
  /** The JSON of each product, and of all, made when all are first asked for after a change. */
  readonly #texts = new Map<string, string>()
  #listText: string | null = null

  /** Index of the last folded entry; 0 before the first. */
  get appliedIndex(): number {
    return this.#appliedIndex
  }

  /** Term of the last folded entry. */
  get appliedTerm(): number {
    return this.#appliedTerm
  }

  /** Whether the default products are in the log, up to here. */
  get seeded(): boolean {
    return this.#seeded
  }

  /** How many products there are. */
  get size(): number {
    return this.#products.size
  }

  /**
   * Folds the line of the log at which the cursor stands, and returns the name of the product that it changed, or null. A
   * line that was folded before is skipped; one that would leave a gap is a bug and throws an AssertionError.
   *
   * @throws CorruptLineError, OtherLogError
   */
  apply(line: LineCursor): string | null {
    if (!line.verify()) {
      throw new CorruptLineError(
        `the checksum of this line of the log does not fit: ${line.text.slice(0, 200).trimEnd()}`,
      )
    }
    const { index, term, crc } = line
    if (index === this.#appliedIndex && crc !== this.#appliedCrc) {
      throw new OtherLogError(`the entry at index ${index} is not the one that was applied`)
    }
    if (index <= this.#appliedIndex) return null
    assert.equal(index, this.#appliedIndex + 1, 'the stream of the log has a gap')
    const changed = line.readOrder() ? this.#change(index, line.name, line.stockChange) : this.#fold(decode(line.text))
    this.#appliedIndex = index
    this.#appliedTerm = term
    this.#appliedCrc = crc
    return changed
  }

  #fold(entry: LogEntry): string | null {
    switch (entry.type) {
      case 'noop':
        return null
      case 'seeded':
        this.#seeded = true
        return null
      case 'product':
        return this.#foldProduct(entry)
      case 'stock':
      case 'sell':
        return this.#change(entry.index, entry.name, entry.quantity)
      case 'buy':
        return this.#change(entry.index, entry.name, -entry.quantity)
    }
  }

  #foldProduct({ index, name, price, quantity }: LogEntry & { type: 'product' }): string {
    const known = this.#products.get(name)
    if (known === undefined) this.#products.set(name, { name, price, quantity: quantity ?? 0, index })
    else Object.assign(known, { price, index })
    return this.#changed(name)
  }

  #change(index: number, name: string, difference: number): string {
    const product = this.#products.get(name)
    assert(product !== undefined, `the entry at index ${index} is about ${name}, which is not a product`)
    product.quantity += difference
    product.index = index
    assert(product.quantity >= 0, `the entry at index ${index} takes the stock of ${name} below 0`)
    return this.#changed(name)
  }

  #changed(name: string): string {
    this.#texts.delete(name)
    this.#listText = null
    return name
  }

  /** The product, or null when there is none of this name. */
  get(name: string): Readonly<HeldProduct> | null {
    return this.#products.get(name) ?? null
  }

  /** All products, in the order in which they came into the log. */
  all(): IterableIterator<Readonly<HeldProduct>> {
    return this.#products.values()
  }

  /** The product as look-ups show it, or null when there is none of this name. */
  product(name: string): Product | null {
    const held = this.#products.get(name)
    return held === undefined ? null : productOf(held)
  }

  /** All products as the JSON text of an array. */
  listJSON(): string {
    this.#listText ??= `[${Array.from(this.#products.values(), held => this.#textOf(held)).join(',')}]`
    return this.#listText
  }

  #textOf(held: HeldProduct): string {
    const ready = this.#texts.get(held.name)
    if (ready !== undefined) return ready
    const text = JSON.stringify(productOf(held))
    this.#texts.set(held.name, text)
    return text
  }

  /** A copy of the state, for `restore`. */
  snapshot(): Snapshot {
    const content = {
      appliedIndex: this.#appliedIndex,
      appliedTerm: this.#appliedTerm,
      appliedCrc: this.#appliedCrc,
      seeded: this.#seeded,
      products: Array.from(this.#products.values(), product => ({ ...product })),
    }
    return { ...content, crc: crc32(JSON.stringify(content)) }
  }

  /** Takes over a snapshot's state. False, with nothing changed, when its checksum does not fit. */
  restore(snapshot: Snapshot): boolean {
    const { crc, ...content } = snapshot
    if (crc !== crc32(JSON.stringify(content))) return false
    this.#appliedIndex = snapshot.appliedIndex
    this.#appliedTerm = snapshot.appliedTerm
    this.#appliedCrc = snapshot.appliedCrc
    this.#seeded = snapshot.seeded
    this.#products = new Map(snapshot.products.map(product => [product.name, { ...product }]))
    this.#forgetTexts()
    return true
  }

  /** Back to the state before the first entry. */
  reset(): void {
    this.#appliedIndex = this.#appliedTerm = this.#appliedCrc = 0
    this.#seeded = false
    this.#products.clear()
    this.#forgetTexts()
  }

  #forgetTexts(): void {
    this.#texts.clear()
    this.#listText = null
  }
}

/** As look-ups show it. */
function productOf({ name, price, quantity }: HeldProduct): Product {
  return { name, price, quantity }
}

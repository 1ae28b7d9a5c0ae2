import { hash } from './hash.ts'

/** Price in the shop's currency, stock in units. */
export interface Stocked {
  price: number
  quantity: number
}

/** A product by its name as it stands in a line, characters escaped. */
interface Written {
  readonly name: string
  readonly stocked: Stocked
}

/** The products by name. */
export class StockTable {
  readonly #products = new Map<string, Stocked>()
  /** By the hash of the written name; of two names that have the same, the one that was asked for last. */
  readonly #written = new Map<number, Written>()
  readonly #seed: number

  /** `seed` is any 32-bit number. */
  constructor(seed: number) {
    this.#seed = seed
  }

  get(name: string): Stocked | undefined {
    return this.#products.get(name)
  }

  set(name: string, stocked: Stocked): void {
    this.#products.set(name, stocked)
  }

  /** The product whose name stands in the bytes, characters escaped as in JSON. */
  getWritten(bytes: Buffer, start: number, end: number): Stocked | undefined {
    const key = hash(bytes, start, end, this.#seed)
    const written = this.#written.get(key)
    if (written !== undefined && stands(written.name, bytes, start, end)) return written.stocked
    const name = bytes.toString('latin1', start, end)
    const stocked = this.#products.get(JSON.parse(`"${name}"`))
    if (stocked !== undefined) this.#written.set(key, { name, stocked })
    return stocked
  }

  /** All of them, in the order in which they came. */
  entries(): Iterable<[string, Stocked]> {
    return this.#products
  }

  clear(): void {
    this.#products.clear()
    this.#written.clear()
  }
}

/** Whether the text, of ASCII, stands in the bytes from `start` up to `end`. */
export function stands(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let place = 0; place < text.length; place++) if (bytes[start + place] !== text.charCodeAt(place)) return false
  return true
}

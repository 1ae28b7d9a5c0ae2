import type { LogEntry } from '@bazaar/client'
import type { Acknowledgement, Lookup } from './check-lookups.ts'

/** A product's state from one log index on; `invoked`: when the order that made it so was asked for, if that is known. */
interface Version {
  readonly index: number
  readonly price: number
  readonly quantity: number
  readonly invoked: number
}

/** Every state that each product ever had, by the log. */
export class ProductVersions {
  readonly #versions = new Map<string, Version[]>()
  readonly #indexOfOrder = new Map<number, number>()

  constructor(log: readonly LogEntry[], acknowledgements: readonly Acknowledgement[]) {
    const invokedOf = new Map<number, number>()
    for (const { number, invoked } of acknowledgements) {
      invokedOf.set(number, Math.min(invoked, invokedOf.get(number) ?? invoked))
    }
    for (const entry of log) {
      if (entry.type === 'noop' || entry.type === 'seeded') continue
      const versions = this.#versions.get(entry.name) ?? []
      this.#versions.set(entry.name, versions)
      const last = versions.at(-1) ?? { price: 0, quantity: 0 }
      const isOrder = entry.type === 'buy' || entry.type === 'sell'
      if (isOrder) this.#indexOfOrder.set(entry.number, entry.index)
      const invoked = (isOrder ? invokedOf.get(entry.number) : undefined) ?? Number.NEGATIVE_INFINITY
      versions.push({ index: entry.index, invoked, ...next(last, entry, versions.length === 0) })
    }
  }

  /** Log index of an order; 0 when the log does not have it (another check says so). */
  indexOfOrder(number: number): number {
    return this.#indexOfOrder.get(number) ?? 0
  }

  /** Where the oldest state begins that holds at `from` or later, agrees with the look-up and is not from its future. */
  oldestShowing({ name, product, returned }: Lookup, from: number): number | null {
    const versions = this.#versions.get(name) ?? []
    const start = lastUpTo(versions, from)
    if (product === null) return start === -1 ? 0 : null
    for (let at = Math.max(0, start); at < versions.length; at++) {
      const { index, price, quantity, invoked } = versions[at] as Version
      if (price === product.price && quantity === product.quantity && invoked <= returned) return index
    }
    return null
  }
}

/** The place of the last version whose index is at most `index`, or -1; versions stand by rising index. */
function lastUpTo(versions: readonly Version[], index: number): number {
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((versions[middle] as Version).index <= index) low = middle + 1
    else high = middle
  }
  return low - 1
}

function next(
  last: { readonly price: number; readonly quantity: number },
  entry: Exclude<LogEntry, { type: 'noop' | 'seeded' }>,
  first: boolean,
): { price: number; quantity: number } {
  if (entry.type === 'product') return { price: entry.price, quantity: first ? (entry.quantity ?? 0) : last.quantity }
  const change = entry.type === 'buy' ? -entry.quantity : entry.quantity
  return { price: last.price, quantity: last.quantity + change }
}

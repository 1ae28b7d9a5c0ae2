import type { ProductState } from './product-state.ts'

/** Products that are remembered one by one; above it, one index stands for all. */
const shownMax = 4096

/** What is known of one product: how new it was shown, and as what, if an answer told that. */
interface Shown {
  index: number
  state: ProductState | null
}

/**
 * How new this front-end has shown each product, or knows it to be: no later look-up may show it older. Where an answer
 * told the product's state, that is remembered too, so that a look-up need not wait until a catalog has come so far.
 */
export class ShownProducts {
  /** The highest index that this front-end knows of. */
  #seenIndex = 0
  /** Every product may have been shown as it was at this index… */
  #commonIndex = 0
  /** …and some as they were later. */
  readonly #products = new Map<string, Shown>()

  get seenIndex(): number {
    return this.#seenIndex
  }

  /** A look-up of any product must be at least so new. */
  get commonIndex(): number {
    return this.#commonIndex
  }

  /** A look-up of the product must be at least so new. */
  indexOf(name: string): number {
    return Math.max(this.#commonIndex, this.#products.get(name)?.index ?? 0)
  }

  /** The product as it was at `indexOf`, or null when only a catalog can tell. */
  stateOf(name: string): ProductState | null {
    const shown = this.#products.get(name)
    return shown === undefined || shown.index < this.#commonIndex ? null : shown.state
  }

  /** The log has this index. */
  see(index: number): void {
    if (index > this.#seenIndex) this.#seenIndex = index
  }

  /** Every product may have been shown as it is at `index`. */
  showAll(index: number): void {
    this.see(index)
    this.#commonIndex = Math.max(this.#commonIndex, index)
  }

  /** Somebody has been shown, or has heard of, the product at `index`; null where the state itself is not known. */
  show(name: string, index: number, state: ProductState | null): void {
    this.see(index)
    if (index < this.#commonIndex) return
    const shown = this.#products.get(name)
    if (shown === undefined) {
      if (this.#products.size >= shownMax) {
        this.#commonIndex = this.#seenIndex
        this.#products.clear()
      }
      this.#products.set(name, { index, state })
    } else if (index > shown.index) {
      shown.index = index
      shown.state = state
    } else if (index === shown.index) {
      shown.state ??= state
    }
  }
}

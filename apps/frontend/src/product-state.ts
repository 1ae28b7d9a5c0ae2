import type { Product } from '@bazaar/client'

/** A product as it was at an index of the log. */
export class ProductState {
  #product: Product
  #index: number
  #json: string | null = null

  constructor(product: Product, index: number) {
    this.#product = product
    this.#index = index
  }

  get index(): number {
    return this.#index
  }

  /** The body of the answer that shows it. Made when it is needed: most orders' states are never looked up. */
  get json(): string {
    this.#json ??= JSON.stringify({ data: this.#product })
    return this.#json
  }

  /** The product as it is at a later index. */
  renew(product: Product, index: number): void {
    this.#product = product
    this.#index = index
    this.#json = null
  }
}

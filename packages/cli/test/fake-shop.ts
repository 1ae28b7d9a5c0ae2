import { BazaarError, type Order, type OrderRequest, type Product } from '@bazaar/client'
import type { Shopper } from '../src/shopper.ts'

export interface FakeShopOptions {
  products?: Product[]
  /** How long each request takes, in ms; 0 answers in the same turn. */
  delayMs?: () => number
}

/** A shop in memory, shared by its shoppers, with switches for what may go wrong. */
export class FakeShop {
  readonly stock: Map<string, Product>
  readonly orders: Order[] = []
  readonly lookedUp: string[] = []
  readonly #byKey = new Map<string, Order>()
  readonly #delayMs: () => number
  /** Fails the next so many requests. */
  failures = 0

  constructor({ products = defaultProducts, delayMs = () => 0 }: FakeShopOptions = {}) {
    this.stock = new Map(products.map(product => [product.name, { ...product }]))
    this.#delayMs = delayMs
  }

  shopper(): Shopper {
    return {
      products: async () => [...this.stock.values()].map(product => ({ ...product })),
      lookUp: async name => {
        await this.#travel()
        this.lookedUp.push(name)
        const product = this.stock.get(name)
        if (product === undefined) throw new BazaarError('PRODUCT_NOT_FOUND', `no product ${name}`)
        return { product: { ...product }, hit: this.lookedUp.indexOf(name) < this.lookedUp.length - 1 }
      },
      order: async (request, key) => {
        await this.#travel()
        return this.#accept(request, key)
      },
      findOrder: async number => {
        await this.#travel()
        const order = this.orders[number - 1]
        if (order === undefined) throw new BazaarError('ORDER_NOT_FOUND', `no order ${number}`)
        return order
      },
      close: async () => {},
    }
  }

  #accept({ name, quantity, type = 'buy' }: OrderRequest, key: string): Order {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const product = this.stock.get(name)
    if (product === undefined) throw new BazaarError('PRODUCT_NOT_FOUND', `no product ${name}`)
    if (type === 'buy' && product.quantity < quantity) throw new BazaarError('OUT_OF_STOCK', `${name}: none left`)
    product.quantity += type === 'buy' ? -quantity : quantity
    const order = { number: this.orders.length + 1, name, type, quantity, price: product.price }
    this.orders.push(order)
    this.#byKey.set(key, order)
    return order
  }

  async #travel(): Promise<void> {
    const delayMs = this.#delayMs()
    if (delayMs > 0) await new Promise(resolve => setTimeout(resolve, delayMs))
    if (this.failures === 0) return
    this.failures -= 1
    throw new Error('connection reset')
  }
}

export const defaultProducts: Product[] = ['Tux', 'Whale', 'Elephant'].map((name, at) => ({
  name,
  price: 10 + at,
  quantity: 1000,
}))

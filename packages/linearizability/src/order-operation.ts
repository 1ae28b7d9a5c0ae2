import type { Order, Product } from '@bazaar/client'
import type { Operation } from './types.ts'

/** Why an order or a stocking was turned down for good. Every other error leaves its fate open: outcome null. */
export type Refusal = 'OUT_OF_STOCK' | 'PRODUCT_NOT_FOUND'

/** A call to the shop. `returned` and `outcome` are null together: no answer, or one that leaves the fate open. */
export type OrderOperation = OrderAttempt | OrderQuery | Stocking | Pricing

/** One `POST /orders`. Attempts with one key are one order (I2). */
export interface OrderAttempt extends Operation {
  readonly type: 'order'
  readonly key: string
  readonly name: string
  readonly side: 'buy' | 'sell'
  readonly quantity: number
  readonly outcome: { readonly order: Order } | { readonly refused: Refusal } | null
}

/** One `GET /orders/:number`; `order` null is a miss. */
export interface OrderQuery extends Operation {
  readonly type: 'query'
  readonly number: number
  readonly outcome: { readonly order: Order | null } | null
}

/** `stock` adds the quantity; `restock` brings the stock to it if nothing is left. Attempts to stock
 * with one key are one; a key's restock has its effect at most once, which is not checked here. */
export interface Stocking extends Operation {
  readonly type: 'stock' | 'restock'
  readonly key: string
  readonly name: string
  readonly quantity: number
  /** For `stock`, as in `Pricing`. */
  readonly after?: number
  readonly outcome: { readonly done: true } | { readonly refused: 'PRODUCT_NOT_FOUND' } | null
}

/** Create with no stock, or reprice. */
export interface Pricing extends Operation {
  readonly type: 'price'
  readonly key: string
  readonly name: string
  readonly price: number
  /**
   * If a replica's log tells it: the number of the last order before this, 0 for none. What follows the same order stands
   * in the history as it does in the log. The more is known, the less has to be searched.
   */
  readonly after?: number
  readonly outcome: { readonly done: true } | null
}

/** The products before the first operation. */
export type InitialProducts = readonly Product[]

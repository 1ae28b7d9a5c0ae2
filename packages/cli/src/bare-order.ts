import type { Order, OrderRequest } from '@bazaar/client'

/** An order as the front-end answers it. */
export type BareOrder = Order & { order_number: number; transaction_number: number }

/** The order that answers a request when no product is looked up: they all cost the same. */
export function bareOrder({ name, quantity, type = 'buy' }: OrderRequest, number: number): BareOrder {
  return { number, name, type, quantity, price: 25.99, order_number: number, transaction_number: number }
}

import type { Order, OrderRequest } from '@bazaar/client'

/** An order as the front-end answers it, with nothing looked up. */
export type BareOrder = Order & { order_number: number; transaction_number: number }

export function bareOrder({ name, quantity, type = 'buy' }: OrderRequest, number: number): BareOrder {
  return { number, name, type, quantity, price: 25.99, order_number: number, transaction_number: number }
}

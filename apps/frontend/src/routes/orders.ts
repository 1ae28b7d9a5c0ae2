import { BazaarError, type Order, OrderRequest } from '@bazaar/client'
import type { Service } from '@bazaar/service'
import { idempotencyKey } from '../idempotency-key.ts'
import type { OrderQueries } from '../order-queries.ts'
import type { Orders } from '../orders.ts'

export interface OrderRoutesParts {
  orders: Orders
  queries: OrderQueries
  newKey: () => string
}

const decimal = /^[1-9][0-9]{0,15}$/

/** Orders: placing one, and reading one back. */
export function orderRoutes(app: Service, { orders, queries, newKey }: OrderRoutesParts): void {
  app.post('/orders', { schema: { body: OrderRequest } }, async request => {
    const key = idempotencyKey(request.headers['idempotency-key']) ?? newKey()
    const { name, quantity, type = 'buy' } = request.body
    const { order } = await orders.submit({ type, key, name, quantity })
    if (order === undefined) throw new Error(`the leader accepted ${type} ${name} without an order`)
    return { data: withEditionNames(order) }
  })

  app.get<{ Params: { number: string } }>('/orders/:number', async request => {
    const number = orderNumber(request.params.number)
    const order = await queries.order(number)
    if (order === null) throw new BazaarError('ORDER_NOT_FOUND', `${number}: no such order`)
    return { data: order }
  })
}

/** The number goes by another name in each edition of the course: `order_number` in 2022, `transaction_number` in 2023 and 2025. */
function withEditionNames({ number, name, type, quantity, price }: Order) {
  return { number, name, type, quantity, price, order_number: number, transaction_number: number }
}

function orderNumber(text: string): number {
  const number = decimal.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(number)) return number
  const shown = JSON.stringify(text.slice(0, 80))
  throw new BazaarError('INVALID', `number must be a whole number 1..${Number.MAX_SAFE_INTEGER}, got ${shown}`)
}

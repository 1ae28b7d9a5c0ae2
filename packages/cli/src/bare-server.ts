import { Name, OrderRequest } from '@bazaar/client'
import fastify from 'fastify'
import Type from 'typebox'

/**
 * A bare Fastify server in a process of its own: the limit that `bazaar bench --limits` compares with. Same requests, same
 * schemas and same bodies as the front-end, but nothing behind them. Prints its port; stops when its standard input
 * closes.
 */
const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } })
const product = JSON.stringify({ data: { name: 'Tux', price: 25.99, quantity: 1_000_000 } })
let number = 0

app.get('/products/:name', { schema: { params: Type.Object({ name: Name }) } }, (_request, reply) => {
  reply.header('content-type', 'application/json; charset=utf-8').header('cache-status', 'bazaar; hit').send(product)
})

app.post<{ Body: OrderRequest }>('/orders', { schema: { body: OrderRequest } }, async request => {
  const { name, quantity, type = 'buy' } = request.body
  number += 1
  const order = { number, name, type, quantity, price: 25.99, order_number: number, transaction_number: number }
  return { data: order }
})

// Fastify resolves with the address, http://127.0.0.1:PORT.
console.log(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
process.stdin.on('end', () => process.exit()).resume()

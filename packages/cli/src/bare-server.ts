import { Name, OrderRequest } from '@bazaar/client'
import fastify from 'fastify'
import Type from 'typebox'
import { bareOrder } from './bare-order.ts'
import { BareOrders } from './bare-orders.ts'

/**
 * A bare Fastify server in a process of its own: the limit that `bazaar bench --limits` compares with. Same requests, same
 * schemas and same bodies as the front-end, but nothing behind them; or, when it is given a socket, the bare chain's
 * replica that listens there. Prints its port; stops when its standard input closes.
 *
 * Usage: bare-server.js [NEXT]
 */
const [nextPath] = process.argv.slice(2)

const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } })
const product = JSON.stringify({ data: { name: 'Tux', price: 25.99, quantity: 1_000_000 } })
const schema = { body: OrderRequest }

app.get('/products/:name', { schema: { params: Type.Object({ name: Name }) } }, (_request, reply) => {
  reply.header('content-type', 'application/json; charset=utf-8').header('cache-status', 'bazaar; hit').send(product)
})

if (nextPath === undefined) {
  let number = 0
  app.post<{ Body: OrderRequest }>('/orders', { schema }, async ({ body }) => ({ data: bareOrder(body, ++number) }))
} else {
  const orders = new BareOrders(nextPath)
  app.post<{ Body: OrderRequest }>('/orders', { schema }, async ({ body }) => ({ data: await orders.place(body) }))
}

// Fastify resolves with the address, http://127.0.0.1:PORT.
console.log(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
process.stdin.on('end', () => process.exit()).resume()

import { BazaarError, type Order, type Product } from '@bazaar/client'
import { type HttpAnswer, HttpConnection } from './http-connection.ts'
import type { Shopper } from './shopper.ts'

/** A client on one lean connection, where the machine that measures is the machine that is measured. */
export async function leanShopper(host: string, port: number): Promise<Shopper> {
  const connection = await HttpConnection.open(host, port)
  const call = <Data>(request: string): Promise<{ data: Data; head: string }> =>
    new Promise((resolve, reject) => {
      connection.send(request, (error, answer) => {
        const failure = error ?? failureOf(answer)
        if (failure !== null) reject(failure)
        else resolve({ data: JSON.parse(answer.body).data, head: answer.head })
      })
    })
  return {
    products: async () => (await call<Product[]>(connection.get('/products'))).data,
    async lookUp(name) {
      const { data, head } = await call<Product>(connection.get(`/products/${encodeURIComponent(name)}`))
      return { product: data, hit: /\ncache-status:.*; *hit\b/i.test(head) }
    },
    order: async (request, key) => (await call<Order>(connection.post('/orders', JSON.stringify(request), key))).data,
    findOrder: async number => (await call<Order>(connection.get(`/orders/${number}`))).data,
    close: async () => connection.close(),
  }
}

function failureOf({ status, body }: HttpAnswer): Error | null {
  if (status === 200) return null
  return BazaarError.from(JSON.parse(body)) ?? new Error(`answered ${status} with ${body.slice(0, 100)}`)
}

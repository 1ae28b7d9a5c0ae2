import { asciiJSON, BazaarError, type Order, type Product } from '@bazaar/client'
import type { LoadAnswer, LoadConnection, LoadRequest } from './load-connection.ts'
import { cacheHit, parseAnswer, type Shopper } from './shopper.ts'

/** A client of the shop on one connection of a load generator; nobody else may use it meanwhile. */
export function connectionShopper(connection: LoadConnection): Shopper {
  const call = <Data>(request: LoadRequest): Promise<{ data: Data; cacheStatus: string }> =>
    new Promise((resolve, reject) => {
      connection.send(request, (error, answer) => {
        const body = error === null ? parseAnswer(answer.body) : null
        const failure = error ?? failureOf(answer, body)
        if (failure !== null) reject(failure)
        else resolve({ data: body?.data as Data, cacheStatus: answer.cacheStatus })
      })
    })
  const get = <Data>(path: string) => call<Data>({ method: 'GET', path })
  return {
    products: async () => (await get<Product[]>('/products')).data,
    async lookUp(name) {
      const { data, cacheStatus } = await get<Product>(`/products/${encodeURIComponent(name)}`)
      return { product: data, hit: cacheHit(cacheStatus) }
    },
    async order(request, key) {
      return (await call<Order>({ method: 'POST', path: '/orders', json: asciiJSON(request), key })).data
    },
    findOrder: async number => (await get<Order>(`/orders/${number}`)).data,
    close: async () => connection.close(),
  }
}

function failureOf({ status, body: text }: LoadAnswer, body: { data?: unknown } | null): Error | null {
  if (status === 200 && body !== null) return null
  return BazaarError.from(body) ?? new Error(`answered ${status} with ${JSON.stringify(text.slice(0, 100))}`)
}

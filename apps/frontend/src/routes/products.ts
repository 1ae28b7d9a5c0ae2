import { BazaarError, Name, PriceRequest, StockRequest } from '@bazaar/client'
import { checkOf, type Service } from '@bazaar/service'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { AdminCheck } from '../admin.ts'
import type { Cache } from '../cache.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { jsonType } from '../json.ts'
import type { Orders } from '../orders.ts'

export interface ProductRoutesParts {
  cache: Cache
  orders: Orders
  newKey: () => string
  admin: AdminCheck
}

/** RFC 9211. */
const cacheStatus = 'cache-status'
const hit = 'bazaar; hit'
const miss = 'bazaar; fwd=miss'

const Params = Type.Object({ name: Name })
const checkName = checkOf(Name, 'name')

/** Look-ups and changes of products, under the name that each edition of the course has for them. */
export function productRoutes(app: Service, { cache, orders, newKey, admin }: ProductRoutesParts): void {
  const onlyAdmin = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    try {
      admin(request.headers.authorization)
      done()
    } catch (error) {
      reply.header('www-authenticate', 'Bearer')
      done(error as Error)
    }
  }

  for (const path of ['/products', '/stocks']) {
    app.get(path, async (_request, reply) => {
      const json = await cache.list()
      reply.header('content-type', jsonType).header(cacheStatus, miss)
      return json
    })

    // A hit takes no await and no validation, since a name in the cache is a product's: the shortest way through Fastify.
    app.get<{ Params: { name: string } }>(`${path}/:name`, (request, reply) => {
      const { name } = request.params
      const json = cache.get(name)
      if (json === undefined) return fetched(name, reply)
      return reply.header('content-type', jsonType).header(cacheStatus, hit).send(json)
    })

    app.put(
      `${path}/:name`,
      { onRequest: onlyAdmin, schema: { params: Params, body: PriceRequest } },
      async request => {
        const key = idempotencyKey(request.headers['idempotency-key']) ?? newKey()
        const { name } = request.params
        const { product } = await orders.submit({ type: 'product', key, name, price: request.body.price })
        return { data: product }
      },
    )

    app.post(
      `${path}/:name/stock`,
      { onRequest: onlyAdmin, schema: { params: Params, body: StockRequest } },
      async request => {
        const key = idempotencyKey(request.headers['idempotency-key']) ?? newKey()
        const { name } = request.params
        const { product } = await orders.submit({ type: 'stock', key, name, quantity: request.body.quantity })
        return { data: product }
      },
    )
  }

  async function fetched(name: string, reply: FastifyReply): Promise<string> {
    checkName(name)
    reply.header(cacheStatus, miss)
    const json = await cache.fetch(name)
    if (json === null) throw new BazaarError('PRODUCT_NOT_FOUND', `${name}: no such product`)
    reply.header('content-type', jsonType)
    return json
  }
}

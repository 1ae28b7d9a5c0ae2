import { BazaarError, Name } from '@bazaar/client'
import type { Service } from '@bazaar/service'
import Type from 'typebox'
import type { Catalog } from '../catalog.ts'

const Query = Type.Object(
  { index: Type.Optional(Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$', description: 'a log index' })) },
  { additionalProperties: false },
)
const Params = Type.Object({ name: Name })

/** Look-ups, each answered once the log is applied up to the index that it asks for. */
export function productRoutes(app: Service, catalog: Catalog): void {
  const { products } = catalog

  app.get('/products', { schema: { querystring: Query } }, async (request, reply) => {
    await catalog.reached(Number(request.query.index ?? 0))
    return answer(reply, products.appliedIndex, products.listJSON())
  })

  app.get('/products/:name', { schema: { params: Params, querystring: Query } }, async (request, reply) => {
    await catalog.reached(Number(request.query.index ?? 0))
    const { name } = request.params
    const product = products.json(name)
    if (product !== null) return answer(reply, products.appliedIndex, product)
    reply.header('bazaar-index', products.appliedIndex)
    throw new BazaarError('PRODUCT_NOT_FOUND', `there is no product ${JSON.stringify(name)}`)
  })
}

/** The answer is put together from prepared text: no serializer runs. */
function answer(reply: { headers(values: object): unknown }, index: number, json: string): string {
  reply.headers({ 'content-type': 'application/json; charset=utf-8', 'bazaar-index': index })
  return `{"index":${index},"data":${json}}`
}

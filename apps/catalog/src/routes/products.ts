import type { Service } from '@bazaar/service'
import Type from 'typebox'
import type { Catalog } from '../catalog.ts'

const Query = Type.Object(
  { index: Type.Optional(Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$', description: 'a log index' })) },
  { additionalProperties: false },
)

/** `GET /products?index=N`: all of them, answered once the log is applied up to the index that is asked for. */
export function productRoutes(app: Service, catalog: Catalog): void {
  app.get('/products', { schema: { querystring: Query } }, async (request, reply) => {
    const { index, data } = await catalog.list(Number(request.query.index ?? 0))
    reply.header('content-type', 'application/json; charset=utf-8')
    // Put together from prepared text: no serializer runs.
    return `{"index":${index},"data":${data}}`
  })
}

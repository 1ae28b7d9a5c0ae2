import { BazaarError } from '@bazaar/client/contract'
import type { Service } from '@bazaar/service'
import Type from 'typebox'
import type { Node } from '../node.ts'

const Query = Type.Object({ after: Type.String({ pattern: '^(0|[1-9][0-9]{0,15})$' }) })

/** `GET /log?after=N`: committed lines with a higher index, for ever. */
export function logRoutes(app: Service, { feed }: Node): void {
  app.get('/log', { schema: { querystring: Query }, exposeHeadRoute: false }, (request, reply) => {
    if (feed.full) throw new BazaarError('OVERLOADED', 'too many followers of the log')
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' })
    reply.raw.flushHeaders()
    feed.add(reply.raw, Number(request.query.after))
  })
}

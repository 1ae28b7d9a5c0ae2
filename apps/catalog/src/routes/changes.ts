import { BazaarError } from '@bazaar/client'
import type { Service } from '@bazaar/service'
import type { Catalog } from '../catalog.ts'
import { subscribersMax } from '../change-feed.ts'

/** `GET /changes`: the feed of changed products, for ever. */
export function changeRoutes(app: Service, { feed, products }: Catalog): void {
  app.get('/changes', { exposeHeadRoute: false }, (_request, reply) => {
    if (feed.full) throw new BazaarError('OVERLOADED', `${subscribersMax} subscribe already`)
    reply.hijack()
    const { raw } = reply
    raw.on('close', () => feed.leave(raw))
    raw.on('error', () => feed.leave(raw))
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    feed.join(raw, products)
  })
}

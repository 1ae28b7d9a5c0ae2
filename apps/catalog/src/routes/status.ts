import { BazaarError, type CatalogStatus } from '@bazaar/client'
import { healthRoute, metricsRoute, rssMiB, type Service } from '@bazaar/service'
import type { Catalog } from '../catalog.ts'
import type { Follower } from '../follower.ts'

/** What these routes read. */
export interface StatusParts {
  name: string
  catalog: Catalog
  follower: Pick<Follower, 'following'>
}

/** How the catalog does: `/health`, `/ready`, `/status`, `/metrics`. */
export function statusRoutes(app: Service, { name, catalog, follower }: StatusParts): void {
  const { products, feed } = catalog
  healthRoute(app)

  app.get('/ready', () => {
    if (!catalog.ready) throw new BazaarError('NO_QUORUM', `${name} is still catching up with the log`)
    if (!products.seeded) throw new BazaarError('NO_QUORUM', `${name} is still putting the first products into the log`)
    return { status: 'ok' }
  })

  app.get('/status', (): CatalogStatus => {
    const { appliedIndex, size } = products
    const ready = catalog.ready && products.seeded
    return { name, appliedIndex, products: size, ready, following: follower.following, rssMiB: rssMiB() }
  })

  const { gauge } = metricsRoute(app)
  gauge('bazaar_catalog_applied_index', 'Index of the last log entry applied.', () => products.appliedIndex)
  gauge('bazaar_catalog_products', 'Products known.', () => products.size)
  gauge('bazaar_catalog_waiting_lookups', 'Look-ups that wait for the log.', () => catalog.waiting)
  gauge('bazaar_catalog_subscribers', 'Front-ends that subscribe to changes.', () => feed.size)
}

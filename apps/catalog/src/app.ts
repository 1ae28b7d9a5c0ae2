import { buildService, type Service } from '@bazaar/service'
import { changeRoutes } from './routes/changes.ts'
import { lookupRoutes } from './routes/lookups.ts'
import { productRoutes } from './routes/products.ts'
import { type StatusParts, statusRoutes } from './routes/status.ts'

/** Builds the catalog's HTTP service, which does not listen yet. */
export function buildApp({ name, catalog, follower }: StatusParts): Service {
  const app = buildService({ name })
  productRoutes(app, catalog)
  lookupRoutes(app, catalog)
  changeRoutes(app, catalog)
  statusRoutes(app, { name, catalog, follower })
  app.addHook('preClose', async () => catalog.stop())
  return app
}

import type { FrontendStatus } from '@bazaar/client'
import { buildService, healthRoute, metricsRoute, type Service } from '@bazaar/service'
import type { AdminCheck } from './admin.ts'
import type { Cache } from './cache.ts'
import type { Cluster } from './cluster.ts'
import type { Events } from './events.ts'
import type { OrderQueries } from './order-queries.ts'
import type { Orders } from './orders.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { eventRoutes } from './routes/events.ts'
import { orderRoutes } from './routes/orders.ts'
import { productRoutes } from './routes/products.ts'
import { refuseLooseJSON } from './strict-json.ts'

/** Connections that clients may hold open at a time; the system refuses more. */
const connectionsMax = 10_000

export interface AppParts {
  name: string
  cache: Cache
  orders: Orders
  queries: OrderQueries
  cluster: Cluster
  events: Events
  admin: AdminCheck
  newKey: () => string
}

/** The public REST. */
export function buildPublicApp(parts: AppParts): Service {
  const app = buildService({ name: parts.name })
  app.server.maxConnections = connectionsMax
  refuseLooseJSON(app)
  productRoutes(app, parts)
  orderRoutes(app, parts)
  clusterRoutes(app, parts.cluster)
  eventRoutes(app, parts)
  return app
}

export interface InternalAppParts {
  name: string
  cache: Cache
  orders: Orders
  events: Events
  status: () => FrontendStatus
}

/** `/status`, `/metrics` and `/health`, for operators on the same machine. */
export function buildInternalApp({ name, cache, orders, events, status }: InternalAppParts): Service {
  const app = buildService({ name })
  healthRoute(app)
  app.get('/status', async () => status())
  const { gauge, counter } = metricsRoute(app)
  counter('bazaar_cache_hits_total', 'Look-ups answered from the cache.', () => cache.hits)
  counter('bazaar_cache_misses_total', 'Look-ups that were not.', () => cache.misses)
  gauge('bazaar_cache_entries', 'Products in the cache.', () => cache.entries)
  gauge('bazaar_cache_feed_up', '1 while a catalog pushes its changes.', () => (cache.isFed ? 1 : 0))
  gauge('bazaar_orders_pending', 'Orders not yet answered.', () => orders.pending)
  gauge('bazaar_event_subscribers', 'Readers of the events.', () => events.subscribers)
  return app
}

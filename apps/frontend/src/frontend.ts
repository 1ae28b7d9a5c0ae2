import type { CatalogClient, Clock, FrontendStatus, OrderClient } from '@bazaar/client'
import { rssMiB, type Service } from '@bazaar/service'
import { adminCheck } from './admin.ts'
import { buildInternalApp, buildPublicApp } from './app.ts'
import { Cache, type CacheLimits, cacheLimits } from './cache.ts'
import { type CatalogLimits, Catalogs } from './catalogs.ts'
import { Cluster } from './cluster.ts'
import { confirmedIndex } from './confirmed-index.ts'
import { Events } from './events.ts'
import { followChanges } from './feed.ts'
import { Leadership } from './leader.ts'
import { OrderQueries } from './order-queries.ts'
import { type OrderLimits, Orders } from './orders.ts'

export interface FrontendParts {
  name: string
  /** The order replicas and the catalogs by their names, at least one of each. */
  replicas: ReadonlyMap<string, OrderClient>
  catalogs: ReadonlyMap<string, CatalogClient>
  clock: Clock
  /** Makes the idempotency key of an order that came without one. */
  newKey: () => string
  adminToken?: string | undefined
  cacheLimits?: Partial<CacheLimits>
  catalogLimits?: Partial<CatalogLimits>
  orderLimits?: Partial<OrderLimits>
}

export interface Frontend {
  publicApp: Service
  internalApp: Service
  /** Reads up to where the log is acknowledged and follows a catalog, until `stop`. Rejects on what cannot happen. */
  run(): Promise<void>
  /** Ends `run` and closes the connections to the other processes. */
  stop(): Promise<void>
}

/** Puts a front-end together; it neither listens nor connects before it is told to. */
export function buildFrontend(parts: FrontendParts): Frontend {
  const { name, replicas, catalogs, clock, newKey } = parts
  const leadership = new Leadership(replicas, clock)
  const cache = new Cache(new Catalogs([...catalogs.values()], clock, parts.catalogLimits), clock, parts.cacheLimits)
  const onAnswer = cache.answered.bind(cache)
  const orders = new Orders({ replicas, leadership, clock, onAnswer, limits: parts.orderLimits })
  const queries = new OrderQueries({ replicas, leadership, clock, limits: parts.orderLimits })
  const events = new Events()
  const status = (): FrontendStatus => ({ name, leader: leadership.name, cache: cacheStatus(cache), rssMiB: rssMiB() })
  const cluster = new Cluster({ replicas, catalogs, cache, frontend: status })
  const admin = adminCheck(parts.adminToken)
  const stopping = new AbortController()

  return {
    publicApp: buildPublicApp({ name, cache, orders, queries, cluster, events, admin, newKey }),
    internalApp: buildInternalApp({ name, cache, orders, events, status }),
    async run() {
      const { signal } = stopping
      const index = await confirmedIndex(replicas, clock, signal)
      if (index === null) return
      cache.open(index)
      const { feedTimeoutMs } = { ...cacheLimits, ...parts.cacheLimits }
      await followChanges({
        catalogs: [...catalogs.values()],
        clock,
        listeners: [cache, events],
        feedTimeoutMs,
        signal,
      })
    },
    async stop() {
      stopping.abort()
      await Promise.all([...replicas.values(), ...catalogs.values()].map(client => client.close()))
    },
  }
}

function cacheStatus(cache: Cache): FrontendStatus['cache'] {
  const { entriesMax, entries, hits, misses } = cache
  const hitRatio = hits === 0 ? 0 : hits / (hits + misses)
  return { entriesMax, entries, hits, misses, hitRatio, feed: cache.isFed ? 'up' : 'down' }
}

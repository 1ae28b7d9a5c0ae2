import type { CatalogClient, ClusterStatus, FrontendStatus, OrderClient } from '@bazaar/client'
import type { Cache } from './cache.ts'
import { leaderAmong, statusesOf } from './statuses.ts'

/** A process that does not tell its state for so long is shown as down. */
const statusTimeoutMs = 300

export interface ClusterParts {
  replicas: ReadonlyMap<string, Pick<OrderClient, 'status'>>
  catalogs: ReadonlyMap<string, Pick<CatalogClient, 'status'>>
  cache: Cache
  frontend: () => FrontendStatus
}

/** What is known of every process behind this front-end. Whoever asks while they are asked already shares the answer. */
export class Cluster {
  readonly #parts: ClusterParts
  #asking: Promise<ClusterStatus> | null = null

  constructor(parts: ClusterParts) {
    this.#parts = parts
  }

  /** `GET /cluster`, within `statusTimeoutMs` whatever the other processes do. */
  status(): Promise<ClusterStatus> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #ask(): Promise<ClusterStatus> {
    const { replicas, catalogs, frontend } = this.#parts
    const [orderStatuses, catalogStatuses] = await Promise.all([
      statusesOf(replicas, statusTimeoutMs),
      statusesOf(catalogs, statusTimeoutMs),
    ])
    const up = orderStatuses.flatMap(([, status]) => status ?? [])
    const lastIndex = Math.max(0, ...up.map(status => status.lastIndex))
    return {
      leader: leaderAmong(up)?.name ?? null,
      term: Math.max(0, ...up.map(({ term }) => term)),
      replicas: orderStatuses.map(([name, status]) =>
        status === null ? { name, role: 'down' } : { ...status, lag: lastIndex - status.lastIndex },
      ),
      catalogs: catalogStatuses.map(([name, status]) =>
        status === null
          ? { name, role: 'down' }
          : { ...status, role: 'catalog', lag: Math.max(0, lastIndex - status.appliedIndex) },
      ),
      frontend: frontend(),
    }
  }

  /** Why a look-up or an order would not be answered now, or null when both would. */
  async obstacle(): Promise<string | null> {
    const { leader, replicas, catalogs } = await this.status()
    const down = replicas.flatMap(({ name, role }) => (role === 'down' ? `${name} is down` : []))
    const full = replicas.flatMap(replica => (replica.role !== 'down' && replica.diskFull ? replica.name : []))
    const unable = [...down, ...full.map(name => `the disk of ${name} is full`)]
    if (unable.length >= replicas.length / 2) return `no majority of order replicas takes orders: ${unable.join(', ')}`
    if (leader === null) {
      const learners = replicas.filter(({ role }) => role === 'learner').map(({ name }) => name)
      const why = learners.length === 0 ? '' : `; without a vote yet: ${learners.join(', ')}`
      return `no order replica leads${why}`
    }
    if (full.includes(leader)) return `the disk of ${leader}, which leads, is full`
    if (!this.#parts.cache.isOpen) return 'no majority of order replicas has been heard from yet'
    return catalogs.some(catalog => catalog.role === 'catalog' && catalog.ready) ? null : 'no catalog is ready'
  }
}

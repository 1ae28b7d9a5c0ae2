import type { Command, Product } from '@bazaar/client'
import { Cache, cacheLimits } from '../../apps/frontend/src/cache.ts'
import { Catalogs } from '../../apps/frontend/src/catalogs.ts'
import { confirmedIndex } from '../../apps/frontend/src/confirmed-index.ts'
import { followChanges } from '../../apps/frontend/src/feed.ts'
import { Leadership } from '../../apps/frontend/src/leader.ts'
import { OrderQueries } from '../../apps/frontend/src/order-queries.ts'
import { Orders } from '../../apps/frontend/src/orders.ts'
import type { Life } from './life.ts'
import type { PlantedBug } from './planted-bug.ts'
import { catalogClient, replicaClient } from './replica-client.ts'
import type { World } from './world.ts'

export interface FrontendProcessOptions {
  readonly world: World
  readonly life: Life
  readonly cacheEntriesMax: number
  readonly bug: PlantedBug
  /** The process cannot go on. */
  readonly fatal: (error: Error) => void
}

/** Puts a front-end together as `buildFrontend` does, without HTTP, over simulated ports, and starts it. */
export function startFrontendProcess({ world, life, cacheEntriesMax, bug, fatal }: FrontendProcessOptions): void {
  const { clock, name } = life
  const replicas = new Map(world.replicas.map(replica => [replica, replicaClient(world, life, replica)]))
  const catalogs = world.catalogNames.map(catalog => catalogClient(world, life, catalog))
  const leadership = new Leadership(replicas, clock)
  const cache = new (bug.cache ?? Cache)(new Catalogs(catalogs, clock), clock, { entriesMax: cacheEntriesMax })
  const orders = new Orders({ replicas, leadership, clock, onAnswer: cache.answered.bind(cache) })
  const queries = new OrderQueries({ replicas, leadership, clock })
  const feedHeard = new FeedWatch(clock)
  const { signal } = new AbortController()

  world.frontends.serve(life, {
    submit: (command: Command) => orders.submit(command),
    order: (number: number) => queries.order(number),
    async product(product: string) {
      const hit = cache.get(product)
      if (hit !== undefined && !feedHeard.recent) world.witness.report(`I7: ${name} used its cache with the feed down`)
      const json = hit ?? (await cache.fetch(product))
      return json === null ? null : (JSON.parse(json) as { data: Product }).data
    },
    products: async () => (JSON.parse(await cache.list()) as { data: Product[] }).data,
  })
  const run = async (): Promise<void> => {
    cache.open((await confirmedIndex(replicas, clock, signal)) as number)
    const { feedTimeoutMs } = cacheLimits
    await followChanges({ catalogs, clock, listeners: [cache, feedHeard], feedTimeoutMs, signal })
  }
  void run().catch(fatal)
  world.trace.note(`${name} runs`)
}

/** Remembers, apart from the cache, when the push feed was heard last. */
class FeedWatch {
  readonly #clock: Life['clock']
  #heardAt = Number.NEGATIVE_INFINITY

  constructor(clock: Life['clock']) {
    this.#clock = clock
  }

  get recent(): boolean {
    return this.#clock.now() - this.#heardAt <= cacheLimits.feedTimeoutMs
  }

  feedUp(): void {
    this.#heardAt = this.#clock.now()
  }

  feed(): void {
    this.#heardAt = this.#clock.now()
  }

  feedDown(): void {
    this.#heardAt = Number.NEGATIVE_INFINITY
  }
}

import { join } from 'node:path'
import type { Command, Product } from '@bazaar/client'
import { Catalog } from '../../apps/catalog/src/catalog.ts'
import { ChangeFeed } from '../../apps/catalog/src/change-feed.ts'
import { Commands } from '../../apps/catalog/src/commands.ts'
import { Follower } from '../../apps/catalog/src/follower.ts'
import { Products } from '../../apps/catalog/src/products.ts'
import type { Replica } from '../../apps/catalog/src/replica.ts'
import { Restock, restockLevels } from '../../apps/catalog/src/restock.ts'
import { Seed } from '../../apps/catalog/src/seed.ts'
import { SnapshotFile } from '../../apps/catalog/src/snapshot-file.ts'
import { type DiskHealth, SimulatedDisk } from './disk.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import { dataFolder } from './order-process.ts'
import { replicaClient } from './replica-client.ts'
import type { World } from './world.ts'

export interface CatalogProcessOptions {
  readonly world: World
  readonly history: History
  readonly life: Life
  readonly health: DiskHealth
  readonly products: readonly Product[]
  /** 0 is never. */
  readonly restockMs: number
  /** The process cannot go on. */
  readonly fatal: (error: Error) => void
}

/** Puts a catalog together as its `main` does, but over simulated ports, and starts it. */
export async function startCatalogProcess(options: CatalogProcessOptions): Promise<void> {
  const { world, history, life, health, products: initial, restockMs, fatal } = options
  const { clock, name } = life
  const random = world.random.fork(`${name} at ${world.scheduler.now}`)
  const disk = new SimulatedDisk({ files: world.files, life, health, random })
  const warn = (message: string): void => world.trace.note(`${name}: ${message}`)
  const replicas = world.replicas.map(replica => ({
    name: replica,
    client: recordingClient(world, life, replica, history),
  }))
  const catalog = new Catalog(new Products(), new ChangeFeed(clock), clock)
  const follower = new Follower(replicas, catalog, clock, warn)
  const snapshotFile = await SnapshotFile.open(join(dataFolder, name), catalog.products, {
    clock,
    warn,
    disk: disk.forSmallFiles,
  })
  const commands = new Commands(replicas as unknown as readonly [Replica, ...Replica[]])
  const seed = new Seed(catalog, commands, clock, initial)
  const restock = new Restock(catalog, commands, clock, { intervalMs: restockMs, levelOf: restockLevels(initial, 0) })
  catalog.onReady = () => void seed.run().catch(fatal)

  const service = {
    product: (product: string, index: number) => catalog.lookUp({ name: product, index }),
    async products(index: number) {
      const list = await catalog.list(index)
      return { index: list.index, data: JSON.parse(list.data) as Product[] }
    },
    changes(sink: Parameters<ChangeFeed['join']>[0] & { on(event: string, listener: () => void): void }) {
      sink.on('close', () => catalog.feed.leave(sink))
      catalog.feed.join(sink, catalog.products)
    },
  }
  world.catalogs.serve(life, service)
  world.changes.serve(life, service)
  void follower.run().catch(fatal)
  snapshotFile.start()
  if (restockMs > 0) restock.start()
  world.trace.note(`${name} runs from index ${catalog.products.appliedIndex}`)
}

/** Restocks change what customers see, so they belong to the history. */
function recordingClient(world: World, life: Life, replica: string, history: History) {
  const client = replicaClient(world, life, replica)
  return {
    ...client,
    async execute(commands: readonly Command[], options?: { timeoutMs?: number | undefined }) {
      for (const { type, key } of commands) if (type === 'restock') history.change(key)
      const results = await client.execute(commands, options)
      for (const [at, { type, key }] of commands.entries()) {
        const result = results[at]
        if (type === 'restock' && result?.error === undefined) history.change(key, result?.index)
      }
      return results
    },
  }
}

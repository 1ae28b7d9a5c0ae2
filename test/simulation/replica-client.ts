import type { Change, Command, CommandResult, Order, OrderStatus, Product, Reading } from '@bazaar/client'
import type { Life } from './life.ts'
import type { StreamOptions } from './streams.ts'
import type { World } from './world.ts'

/** A request without a time-out of its own has that of the real clients. */
const requestTimeoutMs = 5_000
const idleTimeoutMs = 1_000

interface Attempt {
  readonly timeoutMs?: number | undefined
}

/** What `OrderClient` does, over the simulated network: `life` asks the replica `name`. */
export function replicaClient({ orders, logs }: World, life: Life, name: string) {
  return {
    execute: (commands: readonly Command[], options?: Attempt): Promise<CommandResult[]> =>
      orders.call(life, name, options?.timeoutMs ?? requestTimeoutMs, service => service.execute(commands)),
    order: (number: number, options?: Attempt): Promise<Order | null> =>
      orders.call(life, name, options?.timeoutMs ?? requestTimeoutMs, service => service.order(number)),
    status: (options?: Attempt): Promise<OrderStatus> =>
      orders.call(life, name, options?.timeoutMs ?? requestTimeoutMs, service => service.status()),
    log: async (after: number, options?: Partial<StreamOptions>): Promise<AsyncIterable<Buffer>> => {
      const stream = { idleMs: idleTimeoutMs, ...options }
      return bytesOf(await logs.open(life, name, stream, (service, sink) => service.log(after, sink)))
    },
  }
}

/** What `CatalogClient` does, over the simulated network. */
export function catalogClient({ catalogs, changes }: World, life: Life, name: string) {
  return {
    product: (product: string, index: number, options?: Attempt): Promise<Reading<Product | null>> =>
      catalogs.call(life, name, options?.timeoutMs ?? requestTimeoutMs, service => service.product(product, index)),
    products: (index: number, options?: Attempt): Promise<Reading<Product[]>> =>
      catalogs.call(life, name, options?.timeoutMs ?? requestTimeoutMs, service => service.products(index)),
    async *changes(options?: Partial<StreamOptions>): AsyncGenerator<readonly Change[]> {
      const stream = { idleMs: idleTimeoutMs, ...options }
      const chunks = await changes.open(life, name, stream, (service, sink) => service.changes(sink))
      for await (const lines of chunks) yield lines.filter(line => line !== '').map(line => JSON.parse(line) as Change)
    },
  }
}

async function* bytesOf(chunks: AsyncIterable<readonly string[]>): AsyncGenerator<Buffer> {
  for await (const lines of chunks) yield Buffer.from(lines.map(line => `${line}\n`).join(''))
}

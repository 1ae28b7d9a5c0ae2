import type { Change, Command, CommandResult, Order, OrderStatus, Product, Reading } from '@bazaar/client'

export interface Attempt {
  timeoutMs: number
}

/** What the front-end asks of an order replica; `OrderClient` is one over HTTP. Errors: BazaarError, ConnectionError. */
interface OrderReplica {
  execute(commands: readonly Command[], options: Attempt): Promise<CommandResult[]>
  order(number: number, options: Attempt): Promise<Order | null>
  status(options: Attempt): Promise<OrderStatus>
}

/** The replicas by their names (`order-1` …), in a fixed order. */
export type Replicas = ReadonlyMap<string, OrderReplica>

/** What the front-end asks of a catalog; `CatalogClient` is one over HTTP. Errors: BazaarError, ConnectionError. */
export interface Catalog {
  product(name: string, index: number, options: Attempt): Promise<Reading<Product | null>>
  products(index: number, options: Attempt): Promise<Reading<Product[]>>
  /** Endless; the first line says from which index on no change is missing. Rejects when the feed breaks or is silent. */
  changes(options: { idleMs: number; signal: AbortSignal }): AsyncIterable<readonly Change[]>
}

import type { Command, CommandResult, Order, OrderStatus, Product, Reading } from '@bazaar/client'
import type { Leadership } from '../../apps/order/src/replicated-log.ts'
import { Calls } from './calls.ts'
import { FileSystem } from './file-system.ts'
import { Network, type NetworkQuality } from './network.ts'
import type { PeerTransport } from './peer-transport.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { type Sink, Streams } from './streams.ts'
import type { Trace } from './trace.ts'
import { Witness } from './witness.ts'

/** What an order replica answers to other processes. */
interface OrderService {
  execute(commands: readonly Command[]): Promise<CommandResult[]>
  order(number: number): Promise<Order | null>
  status(): OrderStatus
  log(after: number, sink: Sink): void
}

/** What a catalog answers. */
interface CatalogService {
  product(name: string, index: number): Promise<Reading<Product | null>>
  products(index: number): Promise<Reading<Product[]>>
  changes(sink: Sink): void
}

/** What a front-end answers to the shop's customers. */
interface FrontendService {
  submit(command: Command): Promise<{ index: number; order?: Order }>
  order(number: number): Promise<Order | null>
  product(name: string): Promise<Product | null>
  products(): Promise<Product[]>
}

/** A look into a running replica, for faults and checks; not for other processes. */
interface Probe {
  leadership(): Leadership
  voting(): boolean
  /** Index up to which its log is on disk. */
  durable(): number
  lastIndex(): number
  appliedIndex(): number
  /** Length of the log that its `state.json` notes as synced. */
  syncedBytesNoted(): number
  /** The stock that its ledger knows. */
  products(): Product[]
}

/** Everything around the processes. It outlives each of them. */
export interface World {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly network: Network
  readonly files: FileSystem
  /** Of the replicas that run. */
  readonly probes: Map<string, Probe>
  readonly peers: Map<number, PeerTransport>
  readonly orders: Calls<OrderService>
  readonly logs: Streams<OrderService>
  readonly catalogs: Calls<CatalogService>
  readonly changes: Streams<CatalogService>
  readonly frontends: Calls<FrontendService>
  readonly witness: Witness
  readonly trace: Trace
  /** Names of the order replicas and the catalogs. */
  readonly replicas: readonly string[]
  readonly catalogNames: readonly string[]
}

export interface WorldOptions {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly quality: NetworkQuality
  readonly trace: Trace
  readonly replicas: number
  readonly catalogs: number
  /** What stands on the disks at the beginning. */
  readonly files?: FileSystem
}

export function newWorld(options: WorldOptions): World {
  const { scheduler, random, quality, trace, replicas, catalogs, files = new FileSystem() } = options
  const network = new Network(quality, random.fork('network'))
  const now = (): number => scheduler.now
  const named = (kind: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${kind}-${at + 1}`)
  return {
    scheduler,
    random,
    network,
    files,
    probes: new Map(),
    peers: new Map(),
    orders: new Calls(network),
    logs: new Streams(network, now),
    catalogs: new Calls(network),
    changes: new Streams(network, now),
    frontends: new Calls(network),
    witness: new Witness(),
    trace,
    replicas: named('order', replicas),
    catalogNames: named('catalog', catalogs),
  }
}

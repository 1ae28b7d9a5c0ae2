import { isDeepStrictEqual } from 'node:util'
import type { BazaarError, Command, CommandResult, LogEntry, Order } from '@bazaar/client'
import { Leadership } from '../../apps/frontend/src/leader.ts'
import { OrderQueries } from '../../apps/frontend/src/order-queries.ts'
import { Orders } from '../../apps/frontend/src/orders.ts'
import type { FileSystem } from './file-system.ts'
import { Hosts } from './hosts.ts'
import { Life } from './life.ts'
import { folderOf, logPathOf, ringPathOf, startOrderProcess } from './order-process.ts'
import type { PlantedBug } from './planted-bug.ts'
import { Random } from './random.ts'
import { replicaClient } from './replica-client.ts'
import { Scheduler } from './scheduler.ts'
import { everythingSurvives, nothingSurvives, survivals } from './survivals.ts'
import { Trace } from './trace.ts'
import { Violation } from './witness.ts'
import { newWorld, type World } from './world.ts'

/** What was acknowledged, by key. */
type Acknowledged = ReadonlyMap<string, { command: OrderCommand; order: Order }>
type OrderCommand = Command & { type: 'buy' | 'sell' }

/** The disks of all replicas just before a write, and what had been acknowledged by then. */
interface CrashPoint {
  readonly files: FileSystem
  readonly acknowledged: Acknowledged
}

export interface CrashPointsResult {
  /** Moments at which something was about to be written. */
  readonly points: number
  /** Different contents of the disks that a power cut may have left at one of them. */
  readonly images: number
}

const replicaNames = ['order-1', 'order-2', 'order-3']
const folders = replicaNames.map(folderOf)
const settleMsMax = 10_000
const lookMs = 10

/**
 * Runs a script against three replicas and cuts the power of all before every single write, keeping every subset of what
 * was not synced (see `survivals`); then starts the replicas on what is left. They must start, agree, and have every
 * order that was acknowledged before (I1), once (I2).
 *
 * @throws Violation
 */
export async function tryCrashPoints(bug: PlantedBug = {}): Promise<CrashPointsResult> {
  const points = await recordScript(bug)
  const isPlanted = Object.keys(bug).length > 0
  const tried = new Set<string>()
  for (const { files, acknowledged } of points) {
    // A mistake shows in what is lost, which takes something to lose.
    if (isPlanted && acknowledged.size === 0) continue
    for (const image of imagesAfterPowerCut(files)) {
      // What was acknowledged belongs to it: less may be there on the same disks.
      const digest = `${image.digest} ${acknowledged.size}`
      if (tried.has(digest)) continue
      tried.add(digest)
      await recoverAndCheck(image, acknowledged, bug)
    }
  }
  return { points: points.length, images: tried.size }
}

/** The same loss on all disks, and each loss on one disk while the others lose all or nothing. */
function* imagesAfterPowerCut(files: FileSystem): Generator<FileSystem> {
  const stakes = folders.map(folder => files.atStake(folder))
  const pages = Math.max(...stakes.map(stake => stake.pages))
  const names = Math.max(...stakes.map(stake => stake.names))
  for (const survival of survivals(pages, names)) {
    for (const elsewhere of [survival, everythingSurvives, nothingSurvives]) {
      for (const here of elsewhere === survival ? [null] : folders) {
        const image = files.clone()
        for (const folder of folders) image.lose(folder, folder === here ? survival : elsewhere)
        yield image
      }
    }
  }
}

/** Three replicas and a client, without faults other than the script's. */
class Cluster {
  readonly world: World
  readonly hosts: Hosts
  readonly acknowledged = new Map<string, { command: OrderCommand; order: Order }>()
  readonly #orders: Orders
  readonly #queries: OrderQueries

  constructor(bug: PlantedBug, files?: FileSystem) {
    const scheduler = new Scheduler()
    const quality = { delayMs: [0.05, 0.3], loss: 0, duplication: 0, reordering: 0 } as const
    const trace = new Trace(() => scheduler.now, false)
    const random = new Random(1)
    this.world = newWorld({ scheduler, random, quality, trace, replicas: 3, catalogs: 0, ...(files && { files }) })
    this.hosts = new Hosts(this.world)
    for (const name of this.world.replicas) {
      this.hosts.add(name, (life, health, fatal) => startOrderProcess({ world: this.world, life, health, bug, fatal }))
      this.hosts.start(name)
    }
    const client = new Life('client', scheduler)
    const replicas = new Map(this.world.replicas.map(name => [name, replicaClient(this.world, client, name)]))
    const leadership = new Leadership(replicas, client.clock)
    this.#queries = new OrderQueries({ replicas, leadership, clock: client.clock })
    this.#orders = new Orders({ replicas, leadership, clock: client.clock, onAnswer: () => {} })
  }

  async submit(command: Command): Promise<void> {
    const result: CommandResult | BazaarError = await this.#orders.submit(command).catch(error => error)
    if ('order' in result && result.order !== undefined) {
      this.acknowledged.set(command.key, { command: command as OrderCommand, order: result.order })
    }
  }

  async read(number: number): Promise<Order | null> {
    return this.#queries.order(number).catch(() => null)
  }

  /** Lets time pass until what was begun is done. */
  async finish(what: string, work: Promise<unknown>): Promise<void> {
    let done = false
    void work.then(() => {
      done = true
    })
    await this.until(what, () => done)
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const { scheduler, witness } = this.world
    const deadline = scheduler.now + settleMsMax
    while (!condition()) {
      if (scheduler.now >= deadline) throw new Violation(`liveness: ${settleMsMax} ms were not enough until ${what}`)
      await scheduler.run(scheduler.now + lookMs, () => witness.violation !== null)
      if (witness.violation !== null) throw witness.violation
    }
  }
}

/** Orders one by one and together, a refusal, a repeated key, a leader killed, and one whose tail is overwritten. */
async function recordScript(bug: PlantedBug): Promise<CrashPoint[]> {
  const cluster = new Cluster(bug)
  const { world, hosts, acknowledged } = cluster
  const points: CrashPoint[] = []
  world.files.beforeWrite = () => points.push({ files: world.files.clone(), acknowledged: new Map(acknowledged) })
  const buy = (key: string, quantity = 1) => cluster.submit({ type: 'buy', key, name: 'Tux', quantity })
  await cluster.finish(
    'Tux is a product',
    cluster.submit({ type: 'product', key: 'p', name: 'Tux', price: 1, quantity: 9 }),
  )
  for (const key of ['a', 'b']) await cluster.finish(`order ${key}`, buy(key))
  await cluster.finish('three at once', Promise.all([buy('c'), buy('d'), buy('e'), buy('f', 100), buy('a')]))
  hosts.kill(leaderOf(world), 100)
  await cluster.finish('an order of the next leader', buy('g'))
  await cluster.until('all run', () => world.probes.size === 3)
  const leader = leaderOf(world)
  for (const other of world.replicas) {
    if (other === leader) continue
    world.network.block(leader, other)
    world.network.block(other, leader)
  }
  // The leader appends it and cannot commit it; the next leader's entries overwrite it.
  await cluster.finish('an order of the majority', buy('h'))
  world.network.heal()
  const agree = () => [...world.probes.values()].every(probe => probe.appliedIndex() === world.witness.lines.length)
  await cluster.until('all agree', agree)
  await cluster.finish('a last order', buy('i'))
  return points
}

/** What "acknowledged" means (I1), before any recovery has its chance to be lucky: on the disks of a majority. */
function expectOnMajority(files: FileSystem, acknowledged: Acknowledged): void {
  const textOf = (path: string): string => {
    const file = files.find(path)
    return file === null ? '' : file.read(0, file.size).toString('latin1')
  }
  const logs = replicaNames.map(name => textOf(logPathOf(name)) + textOf(ringPathOf(name)))
  for (const key of acknowledged.keys()) {
    const copies = logs.filter(log => log.includes(`"key":"${key}"`)).length
    if (copies < 2) throw new Violation(`I1: the acknowledged order ${key} is on ${copies} of 3 disks`)
  }
}

async function recoverAndCheck(files: FileSystem, acknowledged: Acknowledged, bug: PlantedBug): Promise<void> {
  expectOnMajority(files, acknowledged)
  const cluster = new Cluster(bug, files)
  const before = new Map(acknowledged)
  await cluster.until('a leader is there', () => {
    return [...cluster.world.probes.values()].some(probe => probe.leadership().leading)
  })
  const found: [Order, Order | null][] = []
  const orders = [...before.values()].map(({ order }) => order)
  const read = orders.map(async order => found.push([order, await cluster.read(order.number)]))
  await cluster.finish('everything is read back', Promise.all(read))
  for (const [order, now] of found) {
    if (!isDeepStrictEqual(now, order))
      throw new Violation(`I1: ${JSON.stringify(order)} became ${JSON.stringify(now)}`)
  }
  const again = [...before.values()].map(({ command }) => cluster.submit(command))
  await cluster.finish('everything is ordered again', Promise.all(again))
  for (const [key, { order }] of before) {
    const now = cluster.acknowledged.get(key)?.order
    if (!isDeepStrictEqual(now, order))
      throw new Violation(`I2: ${key} got ${JSON.stringify(now)}, before ${JSON.stringify(order)}`)
  }
  const keys = cluster.world.witness.lines.flatMap(line => (JSON.parse(line) as LogEntry & { key?: string }).key ?? [])
  if (new Set(keys).size < keys.length) throw new Violation(`I2: a key stands twice in the log: ${keys}`)
}

function leaderOf({ probes }: World): string {
  const leader = [...probes].find(([, probe]) => probe.leadership().leading)
  return leader?.[0] as string
}

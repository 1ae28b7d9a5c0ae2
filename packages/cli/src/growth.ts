import { randomUUID } from 'node:crypto'
import type { Cluster } from '@bazaar/cluster'
import { type CatchUp, measureCatchUp, measureRestart } from './catch-up.ts'
import { connectionShopper } from './connection-shopper.ts'
import { watchDisturbance } from './disturbance.ts'
import { LeanConnection } from './lean-connection.ts'
import { type LimitsServer, nextOrder, warmUpMs } from './limits.ts'
import { serverOf } from './limits-run.ts'
import type { NextRequest } from './load.ts'
import { type Measured, Meter, type Target, turnsFor } from './meter.ts'
import { benchStock, startOwnCluster } from './own-cluster.ts'
import type { Progress } from './progress.ts'
import { proportionalSetMiB } from './proportional-set.ts'
import { seededRandom } from './random.ts'

/** What a shop that has many orders costs, compared with one that has none. */
export interface GrowthResult {
  stored: number
  order: { none: Measured; many: Measured }
  query: { none: Measured; many: Measured }
  /** From the kill of a follower until it has its whole log again and answers, in ms. */
  restartMs: number
  catchUp: CatchUp
  /**
   * MiB, with many orders stored: of the largest replica (resident set), and of all processes together (proportional set:
   * what they share, Node itself above all, is counted once).
   */
  memory: { replica: number; store: number }
  /** The share of the machine's processor time that went to others during the comparison, 0…1; null where it cannot be known. */
  disturbance: number | null
}

/** A shop with so many orders that only its restart and its memory are asked about. */
export type LargeResult = Pick<GrowthResult, 'stored' | 'restartMs' | 'memory'>

const connections = 5
/** So long orders are placed before any is asked for. */
const firstOrdersMs = 500

/**
 * Starts one cluster with `stored` orders and one with none, loads both in turns, then restarts a replica of the first,
 * and lets one that lost its folder catch up while orders go on.
 */
export async function runGrowth(
  { stored, seconds, seed }: { stored: number; seconds: number; seed: number },
  progress: Progress,
): Promise<GrowthResult> {
  progress.stage(`storing ${stored} orders`, null)
  const many = await startOwnCluster({ stock: benchStock }, stored)
  try {
    const none = await startOwnCluster({ stock: benchStock })
    const compared = await compare(none, many, { stored, seconds, seed }, progress).finally(() => none.stop())
    progress.stage('a replica restarts', null)
    const follower = await aFollower(many)
    const restartMs = await measureRestart(many, follower)
    progress.stage('a replica that lost its folder catches up', null)
    // Its processes change meanwhile, so their processor time is not counted.
    const server = { ...(await serverOf(many)), pids: [] }
    const load = await loadsOn(server, `growth-${randomUUID().slice(0, 8)}`, seed, stored)
    try {
      const catchUp = await measureCatchUp(many, await aFollower(many), load.newOrders)
      return { stored, ...compared, restartMs, catchUp, memory: await memoryOf(many) }
    } finally {
      load.close()
    }
  } finally {
    progress.clear()
    await many.stop()
  }
}

/** Starts a cluster with `stored` orders, and restarts one of its replicas. */
export async function runLarge(stored: number, progress: Progress): Promise<LargeResult> {
  progress.stage(`storing ${stored} orders`, null)
  const cluster = await startOwnCluster({ stock: benchStock }, stored)
  try {
    // Before the restart: a process that has just come back has not told its memory yet.
    const memory = await memoryOf(cluster)
    progress.stage('a replica restarts', null)
    const restartMs = await measureRestart(cluster, await aFollower(cluster))
    return { stored, restartMs, memory }
  } finally {
    progress.clear()
    await cluster.stop()
  }
}

async function compare(
  none: Cluster,
  many: Cluster,
  { stored, seconds, seed }: { stored: number; seconds: number; seed: number },
  progress: Progress,
): Promise<Pick<GrowthResult, 'order' | 'query' | 'disturbance'>> {
  const runId = `growth-${randomUUID().slice(0, 8)}`
  const servers = [await serverOf(none), await serverOf(many)] as const
  const disturbance = watchDisturbance(servers.flatMap(({ pids }) => pids))
  const few = await loadsOn(servers[0], runId, seed, 0)
  const full = await loadsOn(servers[1], runId, seed, stored)
  const meters = [few.order, full.order, few.query, full.query]
  const { rounds, sliceMs } = turnsFor(seconds)
  try {
    progress.stage('warming up', null)
    for (const meter of meters) await meter.slice(warmUpMs)
    progress.stage('comparing with a shop without orders', rounds + 1)
    for (let round = 0; round <= rounds; round += 1) {
      for (const meter of meters) await meter.slice(sliceMs)
      if (round === 0) for (const meter of meters) meter.restart()
      progress.step()
    }
    return {
      order: { none: few.order.measured(), many: full.order.measured() },
      query: { none: few.query.measured(), many: full.query.measured() },
      disturbance: disturbance(),
    }
  } finally {
    few.close()
    full.close()
  }
}

interface Loads {
  order: Meter
  /** The same load, counted anew. */
  newOrders: () => Meter
  /** Queries of orders at random among those stored, or the first that were placed. */
  query: Meter
  close(): void
}

async function loadsOn({ port, pids }: LimitsServer, runId: string, seed: number, stored: number): Promise<Loads> {
  const open = Array.from({ length: connections }, () => LeanConnection.open('127.0.0.1', port))
  const target: Target = { connections: await Promise.all(open), pids }
  const shopper = connectionShopper(target.connections[0] as LeanConnection)
  const names = (await shopper.products()).map(product => product.name)
  const order = nextOrder(names, runId)
  const newOrders = () => new Meter(target, connections, order)
  // There must be orders to ask for, and not one alone: the same question again and again is answered a tenth quicker.
  const first = newOrders()
  await first.slice(firstOrdersMs)
  const asked = Math.max(stored, first.count)
  const random = seededRandom(seed)
  const query: NextRequest = () => ({ method: 'GET', path: `/orders/${1 + random.below(asked)}` })
  return {
    order: newOrders(),
    newOrders,
    query: new Meter(target, connections, query),
    close() {
      for (const connection of target.connections) connection.close()
    },
  }
}

async function aFollower(cluster: Cluster): Promise<string> {
  const { leader, processes } = await cluster.status()
  const follower = processes.find(({ name }) => name.startsWith('order-') && name !== leader)
  if (follower === undefined) throw new Error('the cluster has no follower')
  return follower.name
}

async function memoryOf(cluster: Cluster): Promise<GrowthResult['memory']> {
  const { processes } = await cluster.status()
  const replicas = processes.filter(({ name }) => name.startsWith('order-'))
  return {
    replica: Math.max(...replicas.map(({ rssMiB }) => rssMiB ?? Number.NaN)),
    store: proportionalSetMiB(processes.flatMap(({ pid }) => pid ?? [])),
  }
}

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OrderClient, socketPath } from '@bazaar/client'
import type { Cluster } from '@bazaar/cluster'
import type { Meter } from './meter.ts'

/** How an empty replica became like the others. */
export interface CatchUp {
  /** Orders that it fetched. */
  orders: number
  /** From its start until it had them. */
  elapsedMs: number
  perSecond: number
  /** Orders a second that clients got done meanwhile, and without it. */
  ordersPerSecond: { meanwhile: number; without: number }
}

const restartTimeoutMs = 60_000
const catchUpTimeoutMs = 300_000
const restartPollMs = 10
/** Less often: each question takes time from what is measured. */
const catchUpPollMs = 50
const sliceMs = 250
/** So long after the replica was stopped or let go nothing is counted. */
const settleMs = 60

/** Kills a replica and tells how long it takes until it answers with its whole log applied, in ms. */
export async function measureRestart(cluster: Cluster, name: string): Promise<number> {
  return withReplica(cluster, name, async replica => {
    const before = await replica.status()
    const startedAt = performance.now()
    await cluster.kill(name)
    await reached(replica, before.appliedIndex, restartPollMs, restartTimeoutMs)
    return performance.now() - startedAt
  })
}

/**
 * Deletes a replica's folder and tells how fast it gets everything back while clients go on ordering. Then once more, with
 * the replica stopped in its tracks every other moment: what the clients get done meanwhile is compared with what they get
 * done in between, so that a slow phase of the machine meets both.
 */
export async function measureCatchUp(cluster: Cluster, name: string, newLoad: () => Meter): Promise<CatchUp> {
  const [load, meanwhile, without] = [newLoad(), newLoad(), newLoad()]
  const { orders, elapsedMs } = await catchUp(cluster, name, () => load.slice(sliceMs))
  await catchUp(cluster, name, async isUp => {
    await load.slice(settleMs)
    if (!isUp) return
    await meanwhile.slice(sliceMs)
    await cluster.pause(name)
    try {
      await load.slice(settleMs)
      await without.slice(sliceMs)
    } finally {
      await cluster.resume(name)
    }
  })
  const [one, other] = [meanwhile.measured().perSecond, without.measured().perSecond]
  return {
    orders,
    elapsedMs,
    perSecond: (orders * 1000) / elapsedMs,
    ordersPerSecond: { meanwhile: one, without: other },
  }
}

/**
 * Empties a replica, starts it, and calls `meanwhile` again and again, with whether it is up, until it has all that the
 * leader had.
 */
async function catchUp(
  cluster: Cluster,
  name: string,
  meanwhile: (isUp: boolean) => Promise<void>,
): Promise<Pick<CatchUp, 'orders' | 'elapsedMs'>> {
  await cluster.kill(name, { hold: true })
  rmSync(join(cluster.data, name), { recursive: true })
  const goal = await withReplica(cluster, await cluster.leader(), leader => leader.status())
  return withReplica(cluster, name, async replica => {
    const startedAt = performance.now()
    const givenUp = new AbortController()
    let isUp = false
    let isDone = false
    const catchingUp = (async () => {
      await cluster.start(name)
      isUp = true
      await reached(replica, goal.lastIndex, catchUpPollMs, catchUpTimeoutMs, givenUp.signal)
      return performance.now() - startedAt
    })().finally(() => {
      isDone = true
    })
    catchingUp.catch(() => {})
    try {
      while (!isDone) await meanwhile(isUp)
    } finally {
      givenUp.abort()
    }
    return { orders: goal.orders, elapsedMs: await catchingUp }
  })
}

async function withReplica<Result>(
  cluster: Cluster,
  name: string,
  use: (replica: OrderClient) => Promise<Result>,
): Promise<Result> {
  const replica = new OrderClient(socketPath(cluster.data, name))
  try {
    return await use(replica)
  } finally {
    await replica.close()
  }
}

async function reached(
  replica: OrderClient,
  index: number,
  pollMs: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const status = await replica.status().catch(() => null)
    if (status !== null && status.appliedIndex >= index) return
    signal?.throwIfAborted()
    if (performance.now() > deadline) {
      throw new Error(`index ${index} not reached after ${timeoutMs / 1000} s: ${status?.appliedIndex ?? 'no answer'}`)
    }
    await sleep(pollMs)
  }
}

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OrderClient, type OrderStatus, socketPath } from '@bazaar/client'
import type { Cluster } from '@bazaar/cluster'
import type { Meter } from './meter.ts'

/** How an empty replica became like the others. */
export interface CatchUp {
  /** Orders that it fetched. */
  orders: number
  /** From its start until it had them. */
  elapsedMs: number
  perSecond: number
  /** Orders a second that clients got done before and meanwhile. */
  ordersPerSecond: { before: number; meanwhile: number }
}

const restartTimeoutMs = 60_000
const catchUpTimeoutMs = 300_000
const restartPollMs = 10
/** Less often: each question takes time from what is measured. */
const catchUpPollMs = 50
const sliceMs = 250
const slicesBefore = 20

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

/** Deletes a replica's folder and tells how fast it gets everything back while clients go on ordering. */
export async function measureCatchUp(cluster: Cluster, name: string, load: Meter): Promise<CatchUp> {
  await cluster.kill(name, { hold: true })
  rmSync(join(cluster.data, name), { recursive: true })
  const before = await perSecond(load, slice => slice < slicesBefore)
  return withReplica(cluster, (await cluster.leader()) as string, async leader => {
    const goal = await leader.status()
    return withReplica(cluster, name, async replica => {
      let caughtUp: OrderStatus | null = null
      const startedAt = performance.now()
      let elapsedMs = 0
      const catchingUp = (async () => {
        await cluster.start(name)
        caughtUp = await reached(replica, goal.lastIndex, catchUpPollMs, catchUpTimeoutMs)
        elapsedMs = performance.now() - startedAt
      })()
      catchingUp.catch(() => {})
      const meanwhile = await perSecond(
        load,
        () => caughtUp === null && performance.now() - startedAt < catchUpTimeoutMs,
      )
      await catchingUp
      const ordersPerSecond = { before, meanwhile }
      return { orders: goal.orders, elapsedMs, perSecond: (goal.orders * 1000) / elapsedMs, ordersPerSecond }
    })
  })
}

/** Orders a second while it goes on. */
async function perSecond(load: Meter, goesOn: (slice: number) => boolean): Promise<number> {
  load.restart()
  for (let slice = 0; slice === 0 || goesOn(slice); slice += 1) await load.slice(sliceMs)
  return load.measured().perSecond
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

async function reached(replica: OrderClient, index: number, pollMs: number, timeoutMs: number): Promise<OrderStatus> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const status = await replica.status().catch(() => null)
    if (status !== null && status.appliedIndex >= index) return status
    if (performance.now() > deadline) {
      throw new Error(`index ${index} not reached after ${timeoutMs / 1000} s: ${status?.appliedIndex ?? 'no answer'}`)
    }
    await sleep(pollMs)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster, ClusterStatus } from '@bazaar/cluster'

const settleTimeoutMs = 30_000
const settlePollMs = 50

/**
 * Waits until a cluster that gets no more orders has come to rest: every process up, one leader, and all replicas and
 * catalogs at the same index. Throws, with what is still missing, after 30 s.
 */
export async function settle(cluster: Pick<Cluster, 'status'>): Promise<ClusterStatus> {
  const deadline = performance.now() + settleTimeoutMs
  for (;;) {
    const status = await cluster.status()
    const missing = unsettled(status)
    if (missing === null) return status
    if (performance.now() > deadline) throw new Error(`not settled after ${settleTimeoutMs / 1000} s: ${missing}`)
    await sleep(settlePollMs)
  }
}

/** What keeps a cluster from being at rest, or null. */
export function unsettled({ leader, processes }: ClusterStatus): string | null {
  const down = processes.find(process => process.state !== 'up')
  if (down !== undefined) return `${down.name} is ${down.state}`
  const index = processes.find(process => process.name === leader)?.lastIndex ?? null
  if (index === null) return 'nobody leads'
  for (const { name, lastIndex, commitIndex, appliedIndex } of processes) {
    if (name.startsWith('frontend-')) continue
    const indexes = name.startsWith('order-') ? [lastIndex, commitIndex, appliedIndex] : [appliedIndex]
    if (indexes.some(at => at !== index)) return `${name} is at ${indexes.join('/')} of ${index}`
  }
  return null
}

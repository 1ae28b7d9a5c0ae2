import { type Clock, type OrderStatus, sleep } from '@bazaar/client'
import type { Replicas } from './ports.ts'
import { isFailure } from './retry.ts'

const statusTimeoutMs = 250
/** Between two rounds of questions while there is no leader, or its first entry is not committed yet. */
const roundPauseMs = 10

/**
 * An index up to which every order stands that anyone acknowledged before the call: a ReadIndex (Raft thesis, 6.4) made
 * of `GET /status`. A majority still in the leader's term means that no later leader had been elected when the call was
 * made; and once the leader has committed the log that it had then, it has committed all of its predecessors' orders.
 * Resolves with null when the signal aborts.
 */
export async function confirmedIndex(replicas: Replicas, clock: Clock, signal: AbortSignal): Promise<number | null> {
  let term = 0
  let lastIndex = 0
  while (!signal.aborted) {
    const statuses = await statusesOf(replicas)
    const leader = leaderOf(statuses)
    const confirming = statuses.filter(status => status.term === leader?.term).length
    if (leader !== undefined && confirming > replicas.size / 2) {
      if (leader.term !== term) {
        term = leader.term
        lastIndex = leader.lastIndex
      }
      if (leader.commitIndex >= lastIndex) return leader.commitIndex
    }
    await sleep(clock, roundPauseMs, signal)
  }
  return null
}

/** The leader of the highest term among those who say that they lead. */
function leaderOf(statuses: readonly OrderStatus[]): OrderStatus | undefined {
  return statuses.filter(status => status.role === 'leader').sort((one, other) => other.term - one.term)[0]
}

async function statusesOf(replicas: Replicas): Promise<OrderStatus[]> {
  const asked = [...replicas.values()].map(async replica => {
    try {
      return [await replica.status({ timeoutMs: statusTimeoutMs })]
    } catch (error) {
      if (isFailure(error)) return []
      throw error
    }
  })
  return (await Promise.all(asked)).flat()
}

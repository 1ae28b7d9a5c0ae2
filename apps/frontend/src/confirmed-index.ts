import { type Clock, sleep } from '@bazaar/client'
import type { Replicas } from './ports.ts'
import { leaderAmong, statusesOf } from './statuses.ts'

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
    const statuses = (await statusesOf(replicas, statusTimeoutMs)).flatMap(([, status]) => status ?? [])
    const leader = leaderAmong(statuses)
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

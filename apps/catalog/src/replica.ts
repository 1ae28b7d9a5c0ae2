import { BazaarError, ConnectionError, type OrderClient, type OrderStatus } from '@bazaar/client'

/** An order replica as the catalog sees it; a simulator has clients of its own. */
export interface Replica {
  name: string
  client: Pick<OrderClient, 'execute' | 'log' | 'status'>
}

/**
 * The leader that a majority of all replicas, itself among them, agrees on in one term; null when the answers show none.
 * A deposed leader that does not know it yet finds no majority for its old term.
 */
export function agreedLeader(statuses: readonly OrderStatus[], replicas: number): OrderStatus | null {
  const term = Math.max(...statuses.map(status => status.term))
  const leader = statuses.find(status => status.role === 'leader' && status.term === term)
  if (leader === undefined) return null
  const agreeing = statuses.filter(status => status.term === term && status.leader === leader.name)
  return agreeing.length > replicas / 2 ? leader : null
}

/** Asks all replicas for their status; resolves as soon as the answers show the leader, or when all answered or failed. */
export function askStatuses(replicas: readonly Replica[], timeoutMs: number): Promise<OrderStatus[]> {
  const statuses: OrderStatus[] = []
  let outstanding = replicas.length
  return new Promise((resolve, reject) => {
    for (const { client } of replicas) {
      client
        .status({ timeoutMs })
        .then(status => void statuses.push(status), expectFailure)
        .then(() => {
          outstanding -= 1
          if (outstanding === 0 || agreedLeader(statuses, replicas.length) !== null) resolve([...statuses])
        })
        .catch(reject)
    }
  })
}

/** Lets pass what may happen between processes: an error that was answered, or no answer. Anything else is rethrown. */
export function expectFailure(error: unknown): void {
  if (!(error instanceof BazaarError) && !(error instanceof ConnectionError)) throw error
}

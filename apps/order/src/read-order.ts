import type { Order } from '@bazaar/client/contract'
import type { Ledger } from './ledger.ts'
import type { ReplicatedLog } from './replicated-log.ts'

/**
 * The order of this number, or null when there is none. A committed order never changes, so any replica gives it. That
 * there is none only the leader can say, after a majority has confirmed that it leads.
 *
 * @throws BazaarError `NOT_LEADER`
 */
export async function readOrder(
  log: Pick<ReplicatedLog, 'barrier'>,
  ledger: Ledger,
  number: number,
): Promise<Order | null> {
  const found = ledger.order(number)
  if (found !== null) return found.order
  await log.barrier()
  return ledger.order(number)?.order ?? null
}

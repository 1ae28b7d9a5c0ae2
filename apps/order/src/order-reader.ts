import { BazaarError, type Order } from '@bazaar/client/contract'
import type { Ledger } from './ledger.ts'
import type { ReplicatedLog } from './replicated-log.ts'

/** Queries that wait for a majority; more are refused. */
export const readsWaitingMax = 8192

/** Reads orders back. */
export class OrderReader {
  readonly #log: Pick<ReplicatedLog, 'barrier'>
  readonly #ledger: Ledger
  #waiting = 0

  constructor(log: Pick<ReplicatedLog, 'barrier'>, ledger: Ledger) {
    this.#log = log
    this.#ledger = ledger
  }

  /**
   * The order of this number, or null when there is none. A committed order never changes, so any replica gives it. That
   * there is none only the leader can say, after a majority has confirmed that it leads.
   *
   * @throws BazaarError `NOT_LEADER`; `OVERLOADED` when too many wait to hear that there is none
   */
  async read(number: number): Promise<Order | null> {
    const found = this.#ledger.order(number)
    if (found !== null) return found.order
    if (this.#waiting >= readsWaitingMax) throw new BazaarError('OVERLOADED', `${this.#waiting} queries wait already`)
    this.#waiting++
    await this.#log.barrier().finally(() => this.#waiting--)
    return this.#ledger.order(number)?.order ?? null
  }
}

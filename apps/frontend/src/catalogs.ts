import { BazaarError, type Clock, sleep } from '@bazaar/client'
import type { Attempt, Catalog } from './ports.ts'
import { isTransient, pauseAfter } from './retry.ts'

export interface CatalogLimits {
  /** A look-up is tried for so long, then refused with NO_QUORUM. */
  lookupDeadlineMs: number
  /** A catalog has so long to answer one request, waiting for the log included, before another is asked. */
  attemptTimeoutMs: number
}

const catalogLimits: CatalogLimits = { lookupDeadlineMs: 10_000, attemptTimeoutMs: 500 }

/** Asks one catalog after the other, beginning with the one that answered last, until one answers. */
export class Catalogs {
  readonly #catalogs: readonly Catalog[]
  readonly #clock: Clock
  readonly #limits: CatalogLimits
  #preferred = 0

  constructor(catalogs: readonly Catalog[], clock: Clock, limits?: Partial<CatalogLimits>) {
    this.#catalogs = catalogs
    this.#clock = clock
    this.#limits = { ...catalogLimits, ...limits }
  }

  /** When a look-up that starts now has to give up. */
  deadline(): number {
    return this.#clock.now() + this.#limits.lookupDeadlineMs
  }

  /**
   * The first answer that a catalog gives to `ask`.
   *
   * @throws BazaarError NO_QUORUM when none has answered by `deadline`, or what a catalog answered for good
   */
  async read<T>(ask: (catalog: Catalog, options: Attempt) => Promise<T>, deadline: number): Promise<T> {
    for (let failures = 0; this.#clock.now() < deadline; failures++) {
      // Every catalog gets its first chance without a pause.
      if (failures >= this.#catalogs.length) await sleep(this.#clock, pauseAfter(failures + 1))
      const asked = this.#preferred
      const catalog = this.#catalogs[asked] as Catalog
      try {
        return await ask(catalog, { timeoutMs: this.#limits.attemptTimeoutMs })
      } catch (error) {
        if (!isTransient(error)) throw error
        if (this.#preferred === asked) this.#preferred = (asked + 1) % this.#catalogs.length
      }
    }
    throw new BazaarError('NO_QUORUM', `no catalog answered within ${this.#limits.lookupDeadlineMs / 1000} s`)
  }
}

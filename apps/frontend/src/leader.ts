import { BazaarError, type Clock, sleep } from '@bazaar/client'
import type { Replicas } from './ports.ts'
import { isFailure, retryPauseMaxMs, retryPauseMs } from './retry.ts'

/** A replica that does not tell its role for so long counts as silent. */
const statusTimeoutMs = 100
/** One search lasts at most so long; whoever waits for it then looks at its own deadline and starts the next. */
const searchMs = 100
/** Between two polls passes this share of the time that there has been no leader: 5 ms at first, 100 ms after 2 s. */
const pauseShare = 1 / 20

/**
 * Who leads, as far as this front-end knows: a memory, corrected by the answers of the replicas. While nobody is known
 * to lead, every replica is polled on its own, so that a paused one holds nobody up, and only a replica that says *of
 * itself* that it leads is believed: the others go on naming a paused or killed leader until they notice.
 */
export class Leadership {
  readonly #replicas: Replicas
  readonly #clock: Clock
  #leader: string | null = null
  #term = 0
  #lostAt: number
  #search: Promise<void> | null = null

  constructor(replicas: Replicas, clock: Clock) {
    this.#replicas = replicas
    this.#clock = clock
    this.#lostAt = clock.now()
  }

  /** The remembered leader's name, or null. */
  get name(): string | null {
    return this.#leader
  }

  /** The leader's name; waits for one until the clock shows `deadline`, then null. */
  async find(deadline: number): Promise<string | null> {
    while (this.#leader === null && this.#clock.now() < deadline) {
      this.#search ??= this.#searchOnce().finally(() => {
        this.#search = null
      })
      await this.#search
    }
    return this.#leader
  }

  /** `name` failed as the leader. A hint in its answer is followed at once; if it is wrong, the next failure searches. */
  failed(name: string, error: unknown): void {
    if (this.#leader !== name) return
    const hint = error instanceof BazaarError ? error.leader : null
    const useful = typeof hint === 'string' && hint !== name && this.#replicas.has(hint)
    this.#leader = useful ? hint : null
    if (!useful) this.#lostAt = this.#clock.now()
  }

  /** Resolves when a leader is found or `searchMs` have passed. */
  async #searchOnce(): Promise<void> {
    const over = new AbortController()
    const deadline = this.#clock.now() + searchMs
    await Promise.race([...this.#replicas.keys()].map(name => this.#poll(name, deadline, over.signal)))
    over.abort()
  }

  async #poll(name: string, deadline: number, over: AbortSignal): Promise<void> {
    while (!over.aborted && this.#clock.now() < deadline) {
      if (await this.#leads(name)) {
        if (!over.aborted) this.#leader = name
        return
      }
      const pause = (this.#clock.now() - this.#lostAt) * pauseShare
      await sleep(this.#clock, Math.min(Math.max(pause, retryPauseMs), retryPauseMaxMs), over)
    }
  }

  /** A leader of an older term than another leader we have heard of is deposed and does not know it yet. */
  async #leads(name: string): Promise<boolean> {
    try {
      const status = await this.#replicas.get(name)?.status({ timeoutMs: statusTimeoutMs })
      if (status?.role !== 'leader' || status.term < this.#term) return false
      this.#term = status.term
      return true
    } catch (error) {
      if (isFailure(error)) return false
      throw error
    }
  }
}

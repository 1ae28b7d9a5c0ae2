import { BazaarError, type Clock, type Timer } from '@bazaar/client'

/** How long a look-up waits for the log, in ms, at most. */
export const waitMaxMs = 2_000
/** How many look-ups wait at the same time, at most. */
export const waitersMax = 1_024

interface Waiter {
  index: number
  timer: Timer
  resolve: (reached: boolean) => void
}

/** Those who wait until the log is applied up to some index, each for a bounded time. */
export class Waiters {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Resolves with true once `advance` is told of `index` or more, with false after `waitMaxMs`.
   *
   * @throws BazaarError `OVERLOADED` when `waitersMax` wait already
   */
  wait(index: number): Promise<boolean> {
    if (this.#waiting.size >= waitersMax) throw new BazaarError('OVERLOADED', `${waitersMax} look-ups wait already`)
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(() => this.#settle(waiter, false), waitMaxMs)
      const waiter: Waiter = { index, timer, resolve }
      this.#waiting.add(waiter)
    })
  }

  /** The log is applied up to here. */
  advance(appliedIndex: number): void {
    for (const waiter of this.#waiting) if (waiter.index <= appliedIndex) this.#settle(waiter, true)
  }

  /** Nobody waits any longer. */
  giveUp(): void {
    for (const waiter of this.#waiting) this.#settle(waiter, false)
  }

  #settle(waiter: Waiter, reached: boolean): void {
    this.#waiting.delete(waiter)
    this.#clock.clearTimer(waiter.timer)
    waiter.resolve(reached)
  }
}

import type { Clock, Timer } from '@bazaar/client'

/** How long those who were answered have to come back, and each of many, who come one after the other. */
const gatherMs = 2
const gatherMsEach = 0.1
/** Above this, a request is worth its cost already, and the next client should not wait for the last. */
const gatherCommandsMax = 64
/** Batches sent without gathering after one for which the clients did not come back; doubles each time, up to this. */
const skipsMax = 64

/**
 * Whether to send what waits, or to wait for more. A client that is answered often asks again at once. If the next
 * request left before it does, the clients would part into those who are answered and those who wait, and each half would
 * pay for a replication and two syncs of its own; so the next request waits until as many have come as were answered.
 * A single client never waits, and clients that do something else between two orders are not waited for again.
 */
export class Gathering {
  readonly #clock: Clock
  readonly #onEnd: () => void
  #timer: Timer | null = null
  /** The next request leaves once so many commands wait. */
  #expected = 0
  #skips = 0
  #skipsLeft = 0

  /** @param onEnd hears that the time is up and nothing holds the next request any more */
  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
  }

  /** A request was answered as a whole: `answered` commands, while `waiting` others waited for the next. */
  begin(answered: number, waiting: number): void {
    const expected = answered + waiting
    if (this.#timer !== null || expected < 2 || expected > gatherCommandsMax) return
    if (this.#skipsLeft > 0) {
      this.#skipsLeft--
      return
    }
    this.#expected = expected
    this.#timer = this.#clock.setTimer(() => this.#giveUp(), Math.max(gatherMs, expected * gatherMsEach))
  }

  /** Whether so many are too few to send yet. */
  holds(waiting: number): boolean {
    if (this.#timer === null) return false
    if (waiting < this.#expected) return true
    this.#clock.clearTimer(this.#timer)
    this.#timer = null
    this.#skips = 0
    return false
  }

  #giveUp(): void {
    this.#timer = null
    this.#skips = Math.min(skipsMax, Math.max(1, 2 * this.#skips))
    this.#skipsLeft = this.#skips
    this.#onEnd()
  }
}

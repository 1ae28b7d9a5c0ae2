import type { Clock, Timer } from '@bazaar/client/contract'

/** All times in ticks are multiples of this. */
const tickMs = 10
/** A process that was stopped for longer has not listened meanwhile, so the silence of others says nothing. */
const ticksTogetherMax = 4

/**
 * Time in ticks, counted only when somebody looks: a replica that nobody asks anything would otherwise wake up a hundred
 * times a second to do nothing.
 */
export class Ticker {
  readonly #clock: Clock
  readonly #onDue: () => void
  #countedUntilMs: number
  #timer: Timer | null = null
  #firesAtMs = Number.POSITIVE_INFINITY

  /** `onDue` is called when it is time to look again. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock
    this.#onDue = onDue
    this.#countedUntilMs = clock.now()
  }

  /** The ticks that have passed since the last call. */
  take(): number {
    const passed = Math.max(0, Math.floor((this.#clock.now() - this.#countedUntilMs) / tickMs))
    this.#countedUntilMs += passed * tickMs
    return Math.min(passed, ticksTogetherMax)
  }

  /** The next look is at the latest when so many ticks have passed after those that were taken. */
  lookAfter(ticks: number): void {
    const atMs = this.#countedUntilMs + ticks * tickMs
    if (this.#firesAtMs <= atMs) return
    this.stop()
    this.#firesAtMs = atMs
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = null
        this.#firesAtMs = Number.POSITIVE_INFINITY
        this.#onDue()
      },
      // Whole milliseconds, upwards, and one at least: a look that comes early finds that no tick has passed.
      Math.max(1, Math.ceil(atMs - this.#clock.now())),
    )
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer)
    this.#timer = null
    this.#firesAtMs = Number.POSITIVE_INFINITY
  }
}

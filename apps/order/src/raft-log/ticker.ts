import type { Clock, Timer } from '@bazaar/client/contract'

/** All times in ticks are multiples of this. */
const tickMs = 10
/** A look that comes so much too late tells that the process was stopped, or could not get on, and not what others did. */
const lateMs = 40

/**
 * Time in ticks, counted only when somebody looks: a replica that nobody asks anything would otherwise wake up a hundred
 * times a second to do nothing.
 */
export class Ticker {
  readonly #clock: Clock
  readonly #onDue: () => void
  #countedUntilMs: number
  #timer: Timer | null = null
  /** When the next look is due, or the last one was. */
  #dueAtMs = Number.POSITIVE_INFINITY
  /** One came too late, and that was excused; no other is until one has come in time. */
  #hasExcused = false
  /** It is the timer that leads to the next call of `take`. */
  #isLook = false

  /** `onDue` is called when it is time to look again. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock
    this.#onDue = onDue
    this.#countedUntilMs = clock.now()
  }

  /**
   * The ticks that have passed since the last call. While the process was stopped it has not listened, so the silence of
   * others says nothing: then those that are due are left for the next look, when it has heard what waits to be heard. Where
   * one look after the other comes late they are not: time would never pass, and nobody would miss a leader.
   */
  take(): number {
    const nowMs = this.#clock.now()
    const countedUntilMs = this.#countedUntilMs
    const passed = Math.max(0, Math.floor((nowMs - countedUntilMs) / tickMs))
    this.#countedUntilMs = countedUntilMs + passed * tickMs
    const isLate = nowMs - this.#dueAtMs >= lateMs
    if (this.#isLook && !isLate) this.#hasExcused = false
    this.#isLook = false
    if (!isLate || this.#hasExcused) return passed
    this.#hasExcused = true
    return Math.max(0, Math.round((this.#dueAtMs - countedUntilMs) / tickMs) - 1)
  }

  /** The next look is at the latest when so many ticks have passed after those that were taken. */
  lookAfter(ticks: number): void {
    const atMs = this.#countedUntilMs + ticks * tickMs
    if (this.#timer !== null && this.#dueAtMs <= atMs) return
    this.stop()
    this.#dueAtMs = atMs
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = null
        this.#isLook = true
        this.#onDue()
      },
      // Whole milliseconds, upwards, and one at least: a look that comes early finds that no tick has passed.
      Math.max(1, Math.ceil(atMs - this.#clock.now())),
    )
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer)
    this.#timer = null
  }
}

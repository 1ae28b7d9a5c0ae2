import type { MemberId, Options } from './types.ts'

/** How many members are preferred to this one as leader; `ignored` is a member known to be gone. */
export function rankOf(options: Options, ignored: MemberId | null): number {
  return options.members.filter(member => member > options.id && member !== ignored).length
}

/** Counts down to the next election (section 5.2). The highest id waits the shortest, so it is preferred as leader. */
export class ElectionTimer {
  readonly #options: Options
  readonly #baseTicks: number
  #remaining = 0

  constructor(options: Options) {
    this.#options = options
    this.#baseTicks = options.electionTicks + options.preferenceTicks * rankOf(options, null)
    this.restart()
  }

  /** Draws a fresh timeout: randomised so that split votes are rare and soon resolved (section 5.2). */
  restart(): void {
    const { jitterTicks, random } = this.#options
    this.#remaining = this.#baseTicks + Math.floor(random() * (jitterTicks + 1))
  }

  /** Fires after exactly this many ticks. */
  set(ticks: number): void {
    this.#remaining = ticks
  }

  /** Ticks until it fires. */
  get remaining(): number {
    return this.#remaining
  }

  /** True when the time is up. */
  tick(): boolean {
    this.#remaining -= 1
    return this.#remaining <= 0
  }
}

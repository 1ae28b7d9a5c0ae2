import type { MemberId, Options } from './types.ts'

/**
 * What the leader knows of one follower (figure 2, nextIndex and matchIndex). While *probing* one request is out at a time,
 * until the logs are known to meet; then requests are *pipelined*, `nextIndex` running ahead of the answers (thesis 10.2.1).
 */
export class Progress {
  readonly member: MemberId
  readonly #appendsInFlightMax: number
  readonly #entriesPerTickMax: number
  matchIndex = 0
  nextIndex: number
  /** The leader's tick at which the follower was heard last. */
  heardAt = 0
  /** The newest round that the follower echoed. */
  round = 0
  /** Answers to older rounds are from before the last set-back, and say nothing of the log any more. */
  #roundMin = 1
  /** How many entries may still be sent in this tick. */
  allowance: number
  #probing = true
  #probeSent = false
  /** The last indexes of the requests that are not yet acknowledged, oldest first. */
  readonly #inFlight: number[] = []

  constructor(member: MemberId, options: Options, nextIndex: number) {
    this.member = member
    this.#appendsInFlightMax = options.appendsInFlightMax
    this.#entriesPerTickMax = options.entriesPerTickMax
    this.allowance = options.entriesPerTickMax
    this.nextIndex = nextIndex
  }

  /** A new tick begins. */
  tick(): void {
    this.allowance = this.#entriesPerTickMax
  }

  get mayAppend(): boolean {
    if (this.allowance === 0) return false
    return this.#probing ? !this.#probeSent : this.#inFlight.length < this.#appendsInFlightMax
  }

  /** Whether an answer that echoes `round` still says something of the log. */
  isCurrent(round: number): boolean {
    return round >= this.#roundMin
  }

  /** A request with `count` entries from `nextIndex` on was sent. */
  sent(count: number): void {
    this.#probeSent = true
    if (count === 0) return
    this.allowance -= count
    this.nextIndex += count
    this.#inFlight.push(this.nextIndex - 1)
  }

  /** The follower's log meets the leader's, and is durable up to `matchIndex`. */
  accepted(matchIndex: number): void {
    this.#probing = false
    this.matchIndex = Math.max(this.matchIndex, matchIndex)
    this.nextIndex = Math.max(this.nextIndex, matchIndex + 1)
    while (this.#inFlight.length > 0 && (this.#inFlight[0] ?? 0) <= this.matchIndex) this.#inFlight.shift()
  }

  /** The logs match up to `index` at most: probes from there, and counts only answers to `round` or later. */
  setBack(index: number, round: number): void {
    this.#probing = true
    this.#probeSent = false
    this.#inFlight.length = 0
    this.#roundMin = round
    this.matchIndex = Math.min(this.matchIndex, index)
    this.nextIndex = index + 1
  }
}

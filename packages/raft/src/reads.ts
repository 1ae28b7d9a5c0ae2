import type { Member } from './member.ts'

interface Round {
  readonly round: number
  /** The commit index when the round was started. */
  readonly index: number
  readonly ids: readonly number[]
}

/**
 * The leader's reads that wait for a confirmation (ReadIndex, thesis 6.4). One round of heartbeats is on its way at a time;
 * reads that arrive meanwhile share the next one, so the number of messages does not depend on the number of reads.
 */
export class Reads {
  readonly #member: Member
  #waiting: number[] = []
  #current: Round | null = null

  constructor(member: Member) {
    this.#member = member
  }

  get idle(): boolean {
    return this.#current === null && this.#waiting.length === 0
  }

  add(id: number): void {
    this.#waiting.push(id)
  }

  /**
   * Lets the waiting reads share round `round`, unless one is on its way or the leader has not yet committed an entry of its
   * term, before which it does not know what is committed. Returns whether the round is to be sent.
   */
  startRound(round: number): boolean {
    const { commitIndex, log, term } = this.#member
    if (this.#current !== null || this.#waiting.length === 0 || log.termAt(commitIndex) !== term) return false
    this.#current = { round, index: commitIndex, ids: this.#waiting }
    this.#waiting = []
    return true
  }

  /** A majority still followed in round `echoed`. Returns whether that confirmed the round on its way. */
  confirm(echoed: number): boolean {
    if (this.#current === null || echoed < this.#current.round) return false
    for (const id of this.#current.ids) this.#member.confirmRead(id, this.#current.index)
    this.#current = null
    return true
  }

  refuse(): void {
    for (const id of this.#current?.ids ?? []) this.#member.refuseRead(id)
    for (const id of this.#waiting) this.#member.refuseRead(id)
    this.#current = null
    this.#waiting = []
  }
}

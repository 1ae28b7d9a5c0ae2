import { assert } from './assert.ts'
import type { Member } from './member.ts'
import type { AppendRequest, MemberId } from './types.ts'

/**
 * The follower's half of log replication (figure 2, "AppendEntries RPC", receiver): what a follower or a learner knows of
 * the current term's leader and of how far its own log matches that leader's.
 */
export class Replica {
  readonly #member: Member
  #leader: MemberId | null = null
  #ticksSinceLeader = 0
  /** The log is known to equal the leader's up to here. */
  #matched = 0
  /** The matchIndex that the leader was told last. */
  #told = 0
  #round = 0
  #leaderCommit = 0

  constructor(member: Member) {
    this.#member = member
  }

  get leader(): MemberId | null {
    return this.#leader
  }

  /** The leader was heard within the election timeout, and its connection has not closed since. */
  get settled(): boolean {
    return this.#leader !== null && this.#ticksSinceLeader < this.#member.options.electionTicks
  }

  /** Whether everything that the leader had committed when it was heard last is on this disk. */
  get caughtUp(): boolean {
    const { durableIndex, log, term } = this.#member
    const covered = Math.min(this.#matched, durableIndex) >= this.#leaderCommit
    // Only with an entry of its own term committed does a leader know what is committed (thesis 6.4).
    return covered && log.termAt(this.#leaderCommit) === term
  }

  tick(): void {
    this.#ticksSinceLeader += 1
  }

  forgetLeader(): void {
    this.#leader = null
  }

  /** Stores what is new in the request. Answers at once if all of it is durable, else when it is. */
  accept(request: AppendRequest): void {
    const { from, prevIndex, prevTerm, count, round } = request
    assert(this.#leader === null || this.#leader === from, `one leader in term ${request.term}: ${this.#leader}`, from)
    assert(request.entries.length === count, `an append carries the ${count} entries it says`, request.entries.length)
    this.#leader = from
    this.#ticksSinceLeader = 0
    this.#round = Math.max(this.#round, round)
    this.#member.hearCommit(request.commitIndex)
    if (this.#member.log.termAt(prevIndex) !== prevTerm) {
      this.#refuse(request)
      return
    }
    if (prevIndex + count > this.#matched) this.#store(request)
    this.#leaderCommit = Math.max(this.#leaderCommit, request.commitIndex)
    this.#member.commit(Math.min(this.#leaderCommit, this.#matched))
    if (count === 0 || this.#ackable() >= prevIndex + count) this.#respond(from, round)
  }

  /** The disk went on: tells the leader if that is news to it. */
  persisted(): void {
    if (this.#leader !== null && this.#ackable() > this.#told) this.#respond(this.#leader, this.#round)
  }

  /** Skips what is there already, drops a tail that conflicts, appends the rest (figure 2, receiver's rules 3 and 4). */
  #store({ prevIndex, count, entries }: AppendRequest): void {
    const { log } = this.#member
    let known = Math.max(this.#matched - prevIndex, 0)
    while (known < count && log.termAt(prevIndex + known + 1) === entries[known]?.term) known += 1
    if (known < count) {
      if (prevIndex + known < log.lastIndex) this.#member.truncate(prevIndex + known + 1)
      this.#member.append(known === 0 ? entries : entries.slice(known))
    }
    this.#matched = prevIndex + count
  }

  /**
   * Past the conflict index every term here is newer than the leader's at `prevIndex`, so a whole run of terms is skipped in
   * one round trip (section 5.3, the optimisation at its end).
   */
  #refuse(request: AppendRequest): void {
    const { log, commitIndex } = this.#member
    const { prevIndex, prevTerm } = request
    assert(prevIndex > commitIndex, `what is committed up to ${commitIndex} matches every leader`, prevIndex)
    const conflictIndex = log.lastIndexWithin(prevTerm, Math.min(prevIndex - 1, log.lastIndex))
    refuseAppend(this.#member, request, conflictIndex, request.round)
  }

  #respond(to: MemberId, round: number): void {
    const { id: from, term } = this.#member
    this.#told = this.#ackable()
    const acceptance = { accepted: true, matchIndex: this.#told, conflictIndex: 0, conflictTerm: 0, round }
    this.#member.send({ type: 'appendResponse', from, to, term, ...acceptance })
  }

  #ackable(): number {
    return Math.min(this.#matched, this.#member.durableIndex)
  }
}

/**
 * Refuses the request: the logs can match up to `conflictIndex` at most. A request of an older term must be refused with
 * round 0: its sender may lead again by now, and would take the answer for one to its newer term's round of that number.
 */
export function refuseAppend(member: Member, request: AppendRequest, conflictIndex: number, round: number): void {
  const { id: from, term, log } = member
  const conflictTerm = log.termAt(conflictIndex) ?? 0
  const refusal = { accepted: false, matchIndex: 0, conflictIndex, conflictTerm, round }
  member.send({ type: 'appendResponse', from, to: request.from, term, ...refusal })
}

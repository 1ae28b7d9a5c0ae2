import { Census } from './census.ts'
import type { Member, RoleHandler } from './member.ts'
import { Replica } from './replica.ts'
import type { MemberId, Message } from './types.ts'

/** How a learner ends: it votes from now on, with what it knows of the leader, or as a founder of a new cluster. */
export interface Promotion {
  caughtUp(replica: Replica): void
  founded(): void
}

/**
 * A member that may have lost what it once promised: its vote, its term, entries it acknowledged. It neither votes nor
 * campaigns until that can do no harm (after "Protocol-Aware Recovery", FAST '18):
 *
 * - Without a term it may have promised one to any other member, so it accepts nothing before it has heard the terms of all
 *   of them, and then takes the newest. Otherwise a deposed leader could use it to commit past the new one; Michael et al.,
 *   "Recovering Shared Objects Without Stable Storage" (DISC 2017), show the like in other protocols.
 * - It votes once it holds all that the current leader has committed, and never for a second leader in that term.
 * - With an empty log it also votes once it knows that every other log is empty, too, and that none of them has ever been
 *   in a term: a new cluster. A member that lost hard state and log notes a term all the same, so that none is founded.
 */
export class Learner implements RoleHandler {
  readonly #member: Member
  readonly #promotion: Promotion
  readonly #census: Census
  #replica: Replica
  #ticksToCensus = 1

  constructor(member: Member, promotion: Promotion) {
    this.#member = member
    this.#promotion = promotion
    this.#census = new Census(member.others)
    this.#replica = new Replica(member)
  }

  get leader(): MemberId | null {
    return this.#replica.leader
  }

  get settled(): boolean {
    return this.#replica.settled
  }

  get ticksToDue(): number {
    return this.#ticksToCensus
  }

  /** Learns from any message; returns whether the member knows its term, and so may go on to process the message. */
  recollect(message: Message): boolean {
    this.#census.note(message)
    if (this.#member.knowsTerm) return true
    if (!this.#census.complete || this.#census.highestTerm === 0) return false
    this.#recallTerm()
    return true
  }

  /** Ends the learning if its time has come. Called once a message was answered. */
  graduate(): void {
    const { leader } = this.#replica
    if (leader !== null && this.#replica.caughtUp) {
      this.#startVoting(leader)
      this.#promotion.caughtUp(this.#replica)
    } else if (this.#mayFound) {
      this.#recallTerm()
      this.#startVoting(this.#member.id)
      this.#promotion.founded()
    }
  }

  enterTerm(): void {
    this.#replica = new Replica(this.#member)
  }

  tick(): void {
    this.#replica.tick()
    if (!this.#replica.settled) this.#replica.forgetLeader()
    this.#ticksToCensus -= 1
    if (this.#ticksToCensus <= 0) {
      this.#ticksToCensus = this.#member.options.heartbeatTicks
      for (const other of this.#member.others) this.#ask(other)
    }
    this.graduate()
  }

  receive(message: Message): void {
    if (message.type === 'appendRequest') this.#replica.accept(message)
  }

  persisted(): void {
    this.#replica.persisted()
    this.graduate()
  }

  connected(member: MemberId): void {
    this.#ask(member)
  }

  closed(member: MemberId): void {
    if (member === this.#replica.leader) this.#replica.forgetLeader()
  }

  /**
   * A new cluster, in which no term has begun: where one has, empty logs are lost logs. Or one of this member alone with
   * its log, for it can have promised nothing to others.
   */
  get #mayFound(): boolean {
    const { others, log, term } = this.#member
    if (log.lastIndex > 0) return others.length === 0
    return term === 0 && this.#census.highestTerm === 0 && this.#census.everyoneEmpty
  }

  #recallTerm(): void {
    const { term: noted, knowsTerm, log } = this.#member
    const term = Math.max(noted, this.#census.highestTerm, log.lastTerm)
    if (term > (knowsTerm ? noted : 0)) this.#member.enterTerm(term)
  }

  /** A pre-vote request that nobody needs to grant: its answer tells the term and the last index. */
  #ask(to: MemberId): void {
    const { id: from, term, knowsTerm, log } = this.#member
    if (knowsTerm && log.lastIndex > 0) return
    const { lastIndex, lastTerm } = log
    this.#member.send({ type: 'preVoteRequest', from, to, term: term + 1, lastIndex, lastTerm })
  }

  /** The vote of a term in which this member may have voted before it forgot is spent. */
  #startVoting(vote: MemberId): void {
    this.#member.startVoting()
    if (this.#member.term > 0 && this.#member.vote === null) this.#member.voteFor(vote)
  }
}

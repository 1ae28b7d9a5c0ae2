import { assert } from './assert.ts'
import { Candidate } from './candidate.ts'
import { Follower } from './follower.ts'
import { Leader } from './leader.ts'
import { Learner } from './learner.ts'
import { Member, type RoleHandler } from './member.ts'
import { refuseAppend } from './replica.ts'
import type { AppendRequest, Effects, Event, MemberId, Message, Options, Role } from './types.ts'
import { answerPreVote, answerVote } from './voting.ts'

/**
 * One member of a cluster of fixed membership: a deterministic state machine without I/O. The driver calls `step` with one
 * event at a time and carries out the effects; see `Effects` for their order. Throws when an invariant is broken, after
 * which the object must not be used any more.
 */
export class Raft {
  readonly #member: Member
  #role: RoleHandler

  constructor(options: Options) {
    this.#member = new Member(options)
    this.#role = options.hardState.voting ? this.#newFollower() : this.#newLearner()
  }

  get role(): Role {
    if (this.#role instanceof Leader) return 'leader'
    if (this.#role instanceof Candidate) return 'candidate'
    return this.#role instanceof Learner ? 'learner' : 'follower'
  }

  /** The leader of the current term as far as known; null when there is none or its connection closed. */
  get leader(): MemberId | null {
    return this.#role.leader
  }

  /**
   * In how many ticks the next one comes that does anything, if nothing else happens before; 1 at least. The ticks before
   * it may be given late, all together with it, or with the next event if that comes first.
   */
  get ticksToDue(): number {
    return Math.max(1, this.#role.ticksToDue)
  }

  get term(): number {
    return this.#member.term
  }

  /** The index of the last entry, durable or not; 0 when the log is empty. */
  get lastIndex(): number {
    return this.#member.log.lastIndex
  }

  /** A majority holds the log durably up to here. This member's own disk may still be behind. */
  get commitIndex(): number {
    return this.#member.commitIndex
  }

  /**
   * A majority holds the log up to here, as far as this member ever heard. While its own log does not reach as far, nobody
   * waits for what it stores: that is committed already.
   */
  get knownCommitIndex(): number {
    return this.#member.knownCommitIndex
  }

  /** Handles one event. Throws on a `propose` to a member that does not lead; a `read` is refused instead. */
  step(event: Event): Effects {
    switch (event.type) {
      case 'tick':
        this.#role.tick()
        break
      case 'message':
        this.#receive(event.message)
        break
      case 'propose':
        assert(this.#role instanceof Leader, 'only a leader is proposed to', this.role)
        this.#role.propose(event.payloads)
        break
      case 'read':
        if (this.#role instanceof Leader) this.#role.read(event.id)
        else this.#member.refuseRead(event.id)
        break
      case 'persisted':
        this.#member.persisted(event.index)
        this.#role.persisted()
        break
      case 'connected':
        this.#role.connected(event.member)
        break
      case 'closed':
        this.#role.closed(event.member)
        break
    }
    return this.#member.takeEffects()
  }

  #receive(message: Message): void {
    const { id, others } = this.#member
    assert(message.to === id && others.includes(message.from), `a message goes from a member to ${id}`, message)
    const learner = this.#role instanceof Learner ? this.#role : null
    if (learner === null || learner.recollect(message)) this.#checkTerm(message)
    // A member that does not know its term yet only lets others know what it holds.
    else if (message.type === 'preVoteRequest') answerPreVote(this.#member, message, true)
    learner?.graduate()
  }

  /** The term is compared here and nowhere else (figure 2, "All Servers"); then the role decides. */
  #checkTerm(message: Message): void {
    const { type, term } = message
    if (type === 'preVoteRequest') {
      answerPreVote(this.#member, message, this.#role.settled)
      return
    }
    // Who hears a leader is not disturbed, not even by a newer term (thesis 4.2.3).
    if (type === 'voteRequest' && this.#role.settled && term >= this.#member.term) return
    // The grant of a pre-vote carries the term that would come next; nobody is in it yet.
    const entered = type !== 'preVoteResponse' || !message.granted
    if (entered && term > this.#member.term) this.#enterTerm(term)
    if (type === 'voteRequest') {
      if (answerVote(this.#member, message)) this.#supportCandidate()
    } else if (type === 'appendRequest') {
      if (term < this.#member.term) refuseAppend(this.#member, message, 0, 0)
      else this.#heardLeader(message)
    } else if (!entered || term === this.#member.term) {
      this.#role.receive(message)
    }
  }

  #heardLeader(message: AppendRequest): void {
    if (this.#role instanceof Candidate) this.#follow()
    this.#role.receive(message)
  }

  #enterTerm(term: number): void {
    this.#member.enterTerm(term)
    if (this.#role instanceof Follower || this.#role instanceof Learner) this.#role.enterTerm()
    else this.#follow()
  }

  /** The vote is given: gives the candidate the time of an election timeout (figure 2, "Followers"). */
  #supportCandidate(): void {
    this.#member.timer.restart()
    if (this.#role instanceof Candidate) this.#follow()
  }

  #follow(): void {
    if (this.#role instanceof Leader) this.#role.resign()
    this.#role = this.#newFollower()
  }

  #newFollower(replica?: ConstructorParameters<typeof Follower>[2]): Follower {
    return new Follower(this.#member, this.#transitions, replica)
  }

  #newLearner(): Learner {
    return new Learner(this.#member, {
      caughtUp: replica => {
        this.#role = this.#newFollower(replica)
      },
      founded: () => {
        const follower = this.#newFollower()
        this.#role = follower
        follower.expectElection(null)
      },
    })
  }

  readonly #transitions = {
    campaign: (hinted: boolean): void => {
      const candidate = new Candidate(this.#member, this.#transitions, hinted)
      this.#role = candidate
      candidate.start()
    },
    lead: (): void => {
      const leader = new Leader(this.#member, this.#transitions)
      this.#role = leader
      leader.start()
    },
    follow: (): void => this.#follow(),
  }
}

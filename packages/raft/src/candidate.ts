import type { Member, RoleHandler, Transitions } from './member.ts'
import { quorumSize } from './quorum.ts'
import type { MemberId, Message } from './types.ts'

/** Ticks between two pre-votes after a hint: the others may see the same connection close a moment later. */
const hintRetryTicks = 2
/** So many quick retries after a hint; from then on the election timeout rules again. */
const hintRetriesMax = 5

/**
 * Asks for votes (section 5.2; figure 2, "Candidates"), first in a pre-vote (thesis 9.6): the term is raised only once a
 * majority says that it would give its vote, so a member that was cut off does not disturb a leader that the others hear.
 */
export class Candidate implements RoleHandler {
  readonly leader = null
  readonly settled = false
  readonly #member: Member
  readonly #transitions: Transitions
  readonly #granted = new Set<MemberId>()
  #preVote = true
  #retriesLeft: number

  constructor(member: Member, transitions: Transitions, hinted: boolean) {
    this.#member = member
    this.#transitions = transitions
    this.#retriesLeft = hinted ? hintRetriesMax : 0
  }

  get ticksToDue(): number {
    return this.#member.timer.remaining
  }

  /** Starts with a pre-vote. The one member of a cluster of one leads when this returns. */
  start(): void {
    this.#preVote = true
    if (this.#retriesLeft > 0) {
      this.#retriesLeft -= 1
      this.#member.timer.set(hintRetryTicks)
    } else {
      this.#member.timer.restart()
    }
    this.#ask()
  }

  tick(): void {
    if (this.#member.timer.tick()) this.start()
  }

  receive(message: Message): void {
    const { type, term, from } = message
    if (type !== 'preVoteResponse' && type !== 'voteResponse') return
    const asked = this.#preVote ? type === 'preVoteResponse' && term === this.#member.term + 1 : type === 'voteResponse'
    if (asked && message.granted) this.#count(from)
  }

  persisted(): void {}

  /** What was asked before may be lost: asks again. */
  connected(member: MemberId): void {
    if (!this.#granted.has(member)) this.#request(member)
  }

  closed(): void {}

  #ask(): void {
    this.#granted.clear()
    for (const other of this.#member.others) this.#request(other)
    this.#count(this.#member.id)
  }

  #request(to: MemberId): void {
    const { id: from, term, log } = this.#member
    const type = this.#preVote ? 'preVoteRequest' : 'voteRequest'
    const { lastIndex, lastTerm } = log
    this.#member.send({ type, from, to, term: this.#preVote ? term + 1 : term, lastIndex, lastTerm })
  }

  #count(member: MemberId): void {
    this.#granted.add(member)
    if (this.#granted.size < quorumSize(this.#member.options.members.length)) return
    if (this.#preVote) this.#standForElection()
    else this.#transitions.lead()
  }

  #standForElection(): void {
    this.#preVote = false
    this.#member.enterTerm(this.#member.term + 1)
    this.#member.voteFor(this.#member.id)
    this.#member.timer.restart()
    this.#ask()
  }
}

import { assert } from './assert.ts'
import { ElectionTimer } from './election-timer.ts'
import { Log } from './log.ts'
import {
  type Effects,
  type Entry,
  type HardState,
  type MemberId,
  type Message,
  type Options,
  unknownVote,
} from './types.ts'

const nothing: readonly never[] = Object.freeze([])

/** What a role may ask of the core: the changes of role that its rules demand (figure 4). */
export interface Transitions {
  /** Starts an election with a pre-vote; `hinted` when the leader's connection closed. */
  campaign(hinted: boolean): void
  lead(): void
  /** Gives up being leader or candidate, in the same term. */
  follow(): void
}

/** What every role offers to the dispatch in `Raft`. A message arrives here only in the member's own term. */
export interface RoleHandler {
  readonly leader: MemberId | null
  /** Sure of a current leader, so that no vote is given to another one (thesis 4.2.3 and 6.2). */
  readonly settled: boolean
  /** The next tick at which anything is done, counted from here, if nothing else happens before. */
  readonly ticksToDue: number
  tick(): void
  receive(message: Message): void
  persisted(): void
  connected(member: MemberId): void
  closed(member: MemberId): void
}

/** The state that all roles share (figure 2, "State"), and the effects that the current step gathers. */
export class Member {
  readonly options: Options
  readonly id: MemberId
  readonly others: readonly MemberId[]
  readonly log: Log
  readonly timer: ElectionTimer
  #term: number
  #vote: MemberId | null
  #voting: boolean
  #commitIndex: number
  #heardCommitIndex = 0
  #durableIndex: number

  #hardStateChanged = false
  #truncateFrom: number | null = null
  #append: readonly Entry[] = nothing
  #send: Message[] = []
  #reads: { id: number; index: number }[] = []
  #readsRefused: number[] = []

  constructor(options: Options) {
    const { id, members, hardState, lastIndex } = options
    assert(
      members.includes(id) && new Set(members).size === members.length,
      `members are distinct, with ${id}`,
      members,
    )
    this.options = options
    this.id = id
    this.others = members.filter(member => member !== id)
    this.log = new Log(lastIndex, options.termRuns)
    this.timer = new ElectionTimer(options)
    this.#term = hardState.term
    this.#vote = hardState.vote
    this.#voting = hardState.voting
    // What was known to be committed may have been written by a majority without this member.
    this.#commitIndex = Math.min(options.commitIndex, lastIndex)
    this.#durableIndex = lastIndex
    // A member that lost its hard state may still have its log; a learner finds out its term.
    const forgetful = !hardState.voting && !this.knowsTerm
    const { lastTerm } = this.log
    assert(forgetful || lastTerm <= hardState.term, `no entry is newer than the term ${hardState.term}`, lastTerm)
  }

  get term(): number {
    return this.#term
  }

  get vote(): MemberId | null {
    return this.#vote
  }

  get voting(): boolean {
    return this.#voting
  }

  get commitIndex(): number {
    return this.#commitIndex
  }

  /** Up to here the log is committed, as far as this member ever heard; its own log may not reach as far yet. */
  get knownCommitIndex(): number {
    return Math.max(this.#commitIndex, this.#heardCommitIndex)
  }

  /** The log is on this member's disk up to here. */
  get durableIndex(): number {
    return this.#durableIndex
  }

  /** False for a member that has lost its hard state, until the others have told it theirs. */
  get knowsTerm(): boolean {
    return this.#term > 0 && this.#vote !== unknownVote
  }

  /** Enters a newer term, or the one that was not known for sure, with the vote free again (figure 2, "All Servers"). */
  enterTerm(term: number): void {
    assert(this.knowsTerm ? term > this.#term : term >= this.#term, `a term never falls from ${this.#term}`, term)
    this.#term = term
    this.#vote = null
    this.#hardStateChanged = true
  }

  /** Gives this term's one vote. */
  voteFor(member: MemberId): void {
    assert(
      this.#vote === null || this.#vote === member,
      `one vote a term, ${this.#vote} has it in ${this.#term}`,
      member,
    )
    this.#vote = member
    this.#hardStateChanged = true
  }

  /** A learner has caught up: it votes from now on. */
  startVoting(): void {
    assert(!this.#voting, 'only a learner starts to vote')
    this.#voting = true
    this.#hardStateChanged = true
  }

  append(entries: readonly Entry[]): void {
    assert(this.#append.length === 0, 'one append a step')
    for (const entry of entries) this.log.append(entry)
    assert(this.log.lastTerm <= this.#term, `no entry is newer than the term ${this.#term}`, this.log.lastTerm)
    this.#append = entries
  }

  /** Drops a tail that conflicts with the leader's (section 5.3). A committed entry is never dropped. */
  truncate(from: number): void {
    assert(from > this.#commitIndex, `no entry up to the commit index ${this.#commitIndex} is truncated`, from)
    this.log.truncate(from)
    this.#durableIndex = Math.min(this.#durableIndex, from - 1)
    this.#truncateFrom = from
  }

  persisted(index: number): void {
    assert(index <= this.log.lastIndex, `nothing past the last index ${this.log.lastIndex} is persisted`, index)
    this.#durableIndex = Math.max(this.#durableIndex, index)
  }

  /** Raises the commit index; a lower one is old news. */
  commit(index: number): void {
    assert(index <= this.log.lastIndex, `nothing past the last index ${this.log.lastIndex} is committed`, index)
    this.#commitIndex = Math.max(this.#commitIndex, index)
  }

  /** A leader says that the log is committed up to the index. */
  hearCommit(index: number): void {
    this.#heardCommitIndex = Math.max(this.#heardCommitIndex, index)
  }

  send(message: Message): void {
    this.#send.push(message)
  }

  confirmRead(id: number, index: number): void {
    this.#reads.push({ id, index })
  }

  refuseRead(id: number): void {
    this.#readsRefused.push(id)
  }

  /** The effects gathered since the last call. */
  takeEffects(): Effects {
    const hardState: HardState | null = this.#hardStateChanged
      ? { term: this.#term, vote: this.#vote, voting: this.#voting }
      : null
    const effects: Effects = {
      hardState,
      truncateFrom: this.#truncateFrom,
      append: this.#append,
      send: this.#send.length > 0 ? this.#send : nothing,
      commitIndex: this.#commitIndex,
      reads: this.#reads.length > 0 ? this.#reads : nothing,
      readsRefused: this.#readsRefused.length > 0 ? this.#readsRefused : nothing,
    }
    this.#hardStateChanged = false
    this.#truncateFrom = null
    this.#append = nothing
    if (this.#send.length > 0) this.#send = []
    if (this.#reads.length > 0) this.#reads = []
    if (this.#readsRefused.length > 0) this.#readsRefused = []
    return effects
  }
}

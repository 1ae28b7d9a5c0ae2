import { assert } from './assert.ts'
import type { Member, RoleHandler, Transitions } from './member.ts'
import { Progress } from './progress.ts'
import { majorityValue, quorumSize } from './quorum.ts'
import { Reads } from './reads.ts'
import type { AppendResponse, Entry, MemberId, Message } from './types.ts'

const noEntries: readonly Entry[] = Object.freeze([])

/** Replicates its log to the followers and says what is committed (sections 5.3, 5.4; figure 2, "Leaders"). */
export class Leader implements RoleHandler {
  /** A leader that hears a majority is sure of itself; one that does not steps down (check-quorum, thesis 6.2). */
  readonly settled = true
  readonly #member: Member
  readonly #transitions: Transitions
  readonly #followers: readonly Progress[]
  readonly #reads: Reads
  /** Numbers what is sent, so that an answer tells what it is an answer to. It rises with reads and set-backs. */
  #round = 1
  #ticks = 0
  #ticksToHeartbeat: number
  /** The last index when the last heartbeat was sent. */
  #heartbeatIndex = 0

  constructor(member: Member, transitions: Transitions) {
    const { options, others, log } = member
    this.#member = member
    this.#transitions = transitions
    this.#followers = others.map(other => new Progress(other, options, log.lastIndex + 1))
    this.#reads = new Reads(member)
    this.#ticksToHeartbeat = options.heartbeatTicks
  }

  get leader(): MemberId {
    return this.#member.id
  }

  /** A heartbeat, or to step down; or, while any follower should get an entry soon, what is sent to it at the next tick. */
  get ticksToDue(): number {
    if (this.#followers.some(follower => this.#countWaiting(follower) > 0 && this.#isUrgent(follower))) return 1
    return Math.min(this.#ticksToHeartbeat, this.#member.options.electionTicks - this.#ticksUnheard)
  }

  /** For so long a majority has not been heard. */
  get #ticksUnheard(): number {
    return this.#ticks - majorityValue([this.#ticks, ...this.#followers.map(follower => follower.heardAt)])
  }

  /** Appends the no-op that lets this leader know what is committed (section 8; thesis 6.4), and sends it. */
  start(): void {
    const { options, log, term } = this.#member
    this.#member.append([options.seal(log.lastIndex + 1, term, null)])
    for (const follower of this.#followers) this.#replicate(follower)
  }

  propose(payloads: readonly string[]): void {
    if (payloads.length === 0) return
    const { options, log, term } = this.#member
    const first = log.lastIndex + 1
    this.#member.append(payloads.map((payload, position) => options.seal(first + position, term, payload)))
    this.#ticksToHeartbeat = Math.min(this.#ticksToHeartbeat, options.heartbeatTicks)
    for (const follower of this.#followers) this.#replicateSoon(follower)
  }

  read(id: number): void {
    this.#reads.add(id)
    this.#confirmReads()
  }

  /** Leadership is lost: what waits for it is refused. */
  resign(): void {
    this.#reads.refuse()
    this.#member.timer.restart()
  }

  tick(): void {
    this.#ticks += 1
    this.#ticksToHeartbeat -= 1
    if (this.#ticksUnheard >= this.#member.options.electionTicks) {
      this.#transitions.follow()
      return
    }
    for (const follower of this.#followers) {
      follower.tick()
      if (this.#ticksToHeartbeat <= 0) this.#replicate(follower)
      else this.#replicateSoon(follower)
    }
    if (this.#ticksToHeartbeat <= 0) this.#heartbeat()
  }

  receive(message: Message): void {
    assert(message.type !== 'appendRequest', `one leader in term ${message.term}`, message.from)
    if (message.type === 'appendResponse') this.#answered(message)
  }

  persisted(): void {
    this.#commit()
  }

  /** What was sent before may be lost and the follower may have lost its log: starts over with it. */
  connected(member: MemberId): void {
    const follower = this.#followerOf(member)
    this.#round += 1
    follower.setBack(this.#member.log.lastIndex, this.#round)
    follower.matchIndex = 0
    this.#send(follower, 0)
  }

  /** If it was needed for a majority, the others are now. */
  closed(): void {
    for (const follower of this.#followers) this.#replicate(follower)
  }

  #answered(response: AppendResponse): void {
    const follower = this.#followerOf(response.from)
    assert(response.round <= this.#round, `no round after ${this.#round} was started`, response.round)
    follower.heardAt = this.#ticks
    follower.round = Math.max(follower.round, response.round)
    if (follower.isCurrent(response.round)) {
      if (response.accepted) this.#accepted(follower, response.matchIndex)
      else this.#refused(follower, response)
    }
    this.#confirmReads()
  }

  #accepted(follower: Progress, matchIndex: number): void {
    assert(matchIndex <= this.#member.log.lastIndex, `no entry after ${this.#member.log.lastIndex} matches`, matchIndex)
    follower.accepted(matchIndex)
    this.#commit()
    this.#replicateSoon(follower)
  }

  /** Skips to where the logs can match: past it, every term here is newer than the follower's (section 5.3). */
  #refused(follower: Progress, { conflictIndex, conflictTerm }: AppendResponse): void {
    this.#round += 1
    follower.setBack(this.#member.log.lastIndexWithin(conflictTerm, conflictIndex), this.#round)
    this.#send(follower, this.#countFor(follower))
  }

  /** Sends what waits for the follower, if it should not wait for the next heartbeat. */
  #replicateSoon(follower: Progress): void {
    if (this.#isUrgent(follower)) this.#replicate(follower)
  }

  #isUrgent(follower: Progress): boolean {
    return this.#isNear(follower) || this.#countWaiting(follower) >= this.#member.options.entriesPerAppendMax
  }

  /** Entries that were not sent to the follower yet. */
  #countWaiting({ nextIndex }: Progress): number {
    return this.#member.log.lastIndex - nextIndex + 1
  }

  /**
   * Whether the follower is one of the few that are enough for a majority: those furthest ahead, then the most preferred.
   * They get every entry at once; the others get what has gathered at each heartbeat, which spares them and the leader
   * most of the work (the "thrifty" mode of Egalitarian Paxos, SOSP '13). One that no longer answers falls behind, and
   * another takes its place with the next heartbeat.
   */
  #isNear({ matchIndex, member }: Progress): boolean {
    const ahead = this.#followers.filter(
      other => other.matchIndex > matchIndex || (other.matchIndex === matchIndex && other.member > member),
    )
    return ahead.length < quorumSize(this.#member.options.members.length) - 1
  }

  #replicate(follower: Progress): void {
    while (follower.mayAppend && this.#countWaiting(follower) > 0) {
      this.#send(follower, this.#countFor(follower))
    }
  }

  #countFor(follower: Progress): number {
    return Math.min(this.#countWaiting(follower), this.#member.options.entriesPerAppendMax, follower.allowance)
  }

  /**
   * An empty append at the end of what was sent: a follower that missed some of it refuses, and so gets it again. It is
   * answered at once, whatever the follower's disk still has to do.
   */
  #heartbeat(): void {
    const { options, log } = this.#member
    const isIdle = log.lastIndex === this.#heartbeatIndex
    this.#ticksToHeartbeat = isIdle ? options.idleHeartbeatTicks : options.heartbeatTicks
    this.#heartbeatIndex = log.lastIndex
    for (const follower of this.#followers) this.#send(follower, 0)
  }

  #send(follower: Progress, count: number): void {
    const { id: from, term, log, commitIndex } = this.#member
    const prevIndex = follower.nextIndex - 1
    const prevTerm = log.termAt(prevIndex)
    assert(prevTerm !== null, `what is sent is in the log of ${log.lastIndex}`, prevIndex)
    const range = { prevIndex, prevTerm, count, entries: noEntries, commitIndex, round: this.#round }
    this.#member.send({ type: 'appendRequest', from, to: follower.member, term, ...range })
    follower.sent(count)
  }

  /** Only an entry of the own term is committed by counting; those before it follow (section 5.4.2, figure 8). */
  #commit(): void {
    const { durableIndex, commitIndex, log, term } = this.#member
    const index = majorityValue([durableIndex, ...this.#followers.map(follower => follower.matchIndex)])
    if (index <= commitIndex || log.termAt(index) !== term) return
    this.#member.commit(index)
    this.#confirmReads()
  }

  /** Starts a round for the reads that wait, if none is on its way, and confirms the one that a majority has echoed. */
  #confirmReads(): void {
    if (this.#reads.idle) return
    if (this.#reads.startRound(this.#round + 1)) {
      this.#round += 1
      this.#heartbeat()
    }
    const echoed = majorityValue([this.#round, ...this.#followers.map(follower => follower.round)])
    if (this.#reads.confirm(echoed)) this.#confirmReads()
  }

  #followerOf(member: MemberId): Progress {
    const follower = this.#followers.find(candidate => candidate.member === member)
    assert(follower !== undefined, 'an answer comes from a member', member)
    return follower
  }
}

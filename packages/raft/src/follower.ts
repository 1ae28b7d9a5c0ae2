import { rankOf } from './election-timer.ts'
import type { Member, RoleHandler, Transitions } from './member.ts'
import { Replica } from './replica.ts'
import type { MemberId, Message } from './types.ts'

/** Follows a leader, and starts an election when it hears none (section 5.2; figure 2, "Followers"). */
export class Follower implements RoleHandler {
  readonly #member: Member
  readonly #transitions: Transitions
  #replica: Replica
  /** The next election is due to a hint, not to a timeout. */
  #hinted = false

  constructor(member: Member, transitions: Transitions, replica = new Replica(member)) {
    this.#member = member
    this.#transitions = transitions
    this.#replica = replica
  }

  get leader(): MemberId | null {
    return this.#replica.leader
  }

  get settled(): boolean {
    return this.#replica.settled
  }

  get ticksToDue(): number {
    return this.#member.timer.remaining
  }

  /** A newer term has no known leader yet. The timer runs on: only a leader or a granted vote restarts it (figure 2). */
  enterTerm(): void {
    this.#replica = new Replica(this.#member)
  }

  tick(): void {
    this.#replica.tick()
    if (this.#member.timer.tick()) this.#transitions.campaign(this.#hinted)
  }

  receive(message: Message): void {
    if (message.type !== 'appendRequest') return
    this.#hinted = false
    this.#member.timer.restart()
    this.#replica.accept(message)
  }

  persisted(): void {
    this.#replica.persisted()
  }

  connected(): void {}

  closed(member: MemberId): void {
    if (member === this.#replica.leader) this.expectElection(member)
  }

  /**
   * There is no leader (any more): the most preferred member left campaigns in this very step, the next one
   * `preferenceTicks` later, and so on, in case those before it are gone too.
   */
  expectElection(gone: MemberId | null): void {
    const rank = rankOf(this.#member.options, gone)
    this.#replica.forgetLeader()
    this.#hinted = true
    this.#member.timer.set(rank * this.#member.options.preferenceTicks)
    if (rank === 0) this.#transitions.campaign(true)
  }
}

import { type Clock, type OrderStatus, sleep } from '@bazaar/client'
import type { Catalog } from './catalog.ts'
import { CorruptLineError, OtherLogError } from './products.ts'
import { agreedLeader, askStatuses, expectFailure, type Replica } from './replica.ts'

/** A stream that is silent for so long, in ms, is dropped; its replica sends a heartbeat every 100 ms. */
export const followTimeoutMs = 400
/** After so long a silence the follower looks whether another replica leads by now. */
const suspectAfterMs = 200
/** How often it looks who leads: while nothing is suspicious, and while it does not follow the leader. */
const leaderCheckIntervalMs = 500
const leaderSearchIntervalMs = 50
/** How long replicas have for telling their status. */
const statusTimeoutMs = 100
/** The pause between two attempts to find someone to follow doubles from the first to the second. */
const retryMinMs = 10
const retryMaxMs = 100
/** A replica that sent a damaged line is avoided for so long. */
const distrustMs = 10_000

/** A stream under way. */
interface Following {
  replica: Replica
  stream: AbortController
  heardAtMs: number
  /** Whether a majority took it for the leader when the follower looked last. */
  leading: boolean
}

/**
 * Follows the committed log into the catalog, from the leader where there is one: the others learn of a commit a
 * heartbeat later. While the leader is gone, any replica will do. A stream that ends, falls silent or is damaged is
 * replaced by another; a working one is given up only when the leader's is open.
 */
export class Follower {
  readonly #replicas: readonly Replica[]
  readonly #catalog: Catalog
  readonly #clock: Clock
  readonly #warn: (message: string) => void
  readonly #stopped = new AbortController()
  #following: Following | null = null
  #distrusted: { replica: Replica; untilMs: number } | null = null
  /** Ends the pause of the loop early. */
  #pause = new AbortController()
  #retryMs = retryMinMs
  #failure: unknown = null

  constructor(replicas: readonly Replica[], catalog: Catalog, clock: Clock, warn: (message: string) => void) {
    this.#replicas = replicas
    this.#catalog = catalog
    this.#clock = clock
    this.#warn = warn
  }

  /** The replica whose log is followed, or null while none is. */
  get following(): string | null {
    return this.#following?.replica.name ?? null
  }

  /** Follows until `stop`. Rejects on what must not happen, such as a gap in the log. */
  async run(): Promise<void> {
    let checkedAtMs = Number.NEGATIVE_INFINITY
    while (!this.#stopped.signal.aborted) {
      if (this.#clock.now() >= this.#contentUntilMs(checkedAtMs)) {
        await this.#improve()
        checkedAtMs = this.#clock.now()
      }
      await this.#wait(this.#pauseMs(checkedAtMs))
      if (this.#failure !== null) throw this.#failure
    }
  }

  /** Ends the stream and the loop. */
  stop(): void {
    this.#stopped.abort()
    this.#following?.stream.abort()
    this.#pause.abort()
  }

  /** So long it follows the leader, has heard from it, and has looked lately enough whether it still leads; now or before. */
  #contentUntilMs(checkedAtMs: number): number {
    if (this.#following?.leading !== true) return Number.NEGATIVE_INFINITY
    return Math.min(this.#following.heardAtMs + suspectAfterMs, checkedAtMs + leaderCheckIntervalMs)
  }

  /** Looks who is there, and moves to the leader, or to anyone when it follows nobody. */
  async #improve(): Promise<void> {
    const { appliedIndex } = this.#catalog.products
    const statuses = await askStatuses(this.#replicas, statusTimeoutMs)
    if (this.#stopped.signal.aborted) return
    const leader = agreedLeader(statuses, this.#replicas.length)
    if (leader !== null) this.#measure(leader, appliedIndex)
    const led = leader && this.#trusted(leader.name)
    if (this.#following !== null) this.#following.leading = this.#following.replica === led
    if (led !== null && this.#following?.replica !== led) await this.#open(led, true)
    else if (this.#following === null) await this.#openFreshest(statuses)
  }

  /** Every entry that was ever committed is in the leader's log, and committed once one of its own term is. */
  #measure(leader: OrderStatus, appliedIndex: number): void {
    if (leader.lastIndex < appliedIndex) {
      this.#startAnew(
        `the log of ${leader.name} ends at ${leader.lastIndex}, before index ${appliedIndex} applied here`,
      )
    }
    this.#catalog.catchUpTo({ index: leader.commitIndex, term: leader.term })
  }

  async #openFreshest(statuses: readonly OrderStatus[]): Promise<void> {
    const freshestFirst = statuses.toSorted((one, other) => other.commitIndex - one.commitIndex)
    const replica = freshestFirst.map(({ name }) => this.#trusted(name)).find(each => each !== null)
    if (replica) await this.#open(replica, false)
  }

  #trusted(name: string): Replica | null {
    const { replica, untilMs } = this.#distrusted ?? {}
    if (replica?.name === name && this.#clock.now() < (untilMs ?? 0)) return null
    return this.#replicas.find(each => each.name === name) ?? null
  }

  async #open(replica: Replica, leading: boolean): Promise<void> {
    const stream = new AbortController()
    // The stream begins with the line applied last, which shows whether it is still the same log.
    const after = Math.max(0, this.#catalog.products.appliedIndex - 1)
    try {
      const lines = await replica.client.log(after, { idleMs: followTimeoutMs, signal: stream.signal })
      // Meanwhile the products may have been reset, or this follower stopped.
      if (this.#stopped.signal.aborted || after > this.#catalog.products.appliedIndex) return stream.abort()
      this.#following?.stream.abort()
      this.#following = { replica, stream, heardAtMs: this.#clock.now(), leading }
      this.#consume(this.#following, lines).catch(error => {
        this.#failure = error
        this.#pause.abort()
      })
    } catch (error) {
      expectFailure(error)
    }
  }

  async #consume(following: Following, chunks: AsyncIterable<Buffer>): Promise<void> {
    let heard = false
    try {
      for await (const lines of chunks) {
        if (this.#following !== following) return
        heard = true
        following.heardAtMs = this.#clock.now()
        this.#retryMs = retryMinMs
        this.#catalog.apply(lines)
      }
    } catch (error) {
      if (!following.stream.signal.aborted) this.#judge(error, following)
    }
    if (this.#following === following) this.#following = null
    // A replica that ends its stream without a word is not asked again at once.
    if (heard) this.#pause.abort()
  }

  #judge(error: unknown, { replica, stream }: Following): void {
    stream.abort()
    if (error instanceof OtherLogError) {
      this.#startAnew(`${replica.name}: ${error.message}`)
    } else if (error instanceof CorruptLineError) {
      this.#warn(`${replica.name}: ${error.message}`)
      this.#distrusted = { replica, untilMs: this.#clock.now() + distrustMs }
    } else {
      expectFailure(error)
    }
  }

  #startAnew(why: string): void {
    this.#warn(`${why}: the products are rebuilt from the log's beginning`)
    this.#following?.stream.abort()
    this.#following = null
    this.#catalog.reset()
  }

  #pauseMs(checkedAtMs: number): number {
    if (this.#following === null) return this.#nextRetryMs()
    return Math.max(leaderSearchIntervalMs, this.#contentUntilMs(checkedAtMs) - this.#clock.now())
  }

  #nextRetryMs(): number {
    const retryMs = this.#retryMs
    this.#retryMs = Math.min(retryMaxMs, 2 * retryMs)
    return retryMs
  }

  async #wait(delayMs: number): Promise<void> {
    if (!this.#pause.signal.aborted) await sleep(this.#clock, delayMs, this.#pause.signal)
    this.#pause = new AbortController()
  }
}

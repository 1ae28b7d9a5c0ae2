import {
  type Accepted,
  BazaarError,
  type Clock,
  type Command,
  type CommandResult,
  commandsPerRequestMax,
  sleep,
} from '@bazaar/client'
import { Gathering } from './gathering.ts'
import type { Leadership } from './leader.ts'
import type { Replicas } from './ports.ts'
import { isOverload, isTransient, pauseAfter } from './retry.ts'

export interface OrderLimits {
  /** An order is tried for so long, then refused with NO_QUORUM; what became of it is unknown until it is repeated. */
  orderDeadlineMs: number
  /** The leader has so long to answer one request. A paused leader keeps its connections open, so only time tells. */
  attemptTimeoutMs: number
  /** Requests to the leader at a time. With one, all that arrive meanwhile travel together in the next. */
  requestsInFlightMax: number
  /** Orders in hand, waiting or sent; more are refused with OVERLOADED. */
  ordersWaitingMax: number
}

export const orderLimits: OrderLimits = {
  orderDeadlineMs: 10_000,
  attemptTimeoutMs: 250,
  requestsInFlightMax: 1,
  ordersWaitingMax: 8192,
}

interface Waiting {
  command: Command
  deadline: number
  /** It was sent, and not answered: it may be executed yet. */
  sent: boolean
  resolve: (accepted: Accepted) => void
  reject: (error: unknown) => void
}

export interface OrdersParts {
  replicas: Replicas
  leadership: Leadership
  clock: Clock
  /** Hears of every answer before whoever waits for it; null is a refusal. */
  onAnswer: (command: Command, accepted: Accepted | null) => void
  limits?: Partial<OrderLimits> | undefined
}

/**
 * Takes commands to the order leader. While a request is under way, the next commands gather and travel as one array;
 * for a moment after it, too, see `Gathering`.
 * A request that fails is repeated, with the same keys, at whoever leads then, until its commands' deadlines; it gives
 * its place up meanwhile, so nobody waits behind it for longer than one attempt.
 */
export class Orders {
  readonly #parts: OrdersParts
  readonly #limits: OrderLimits
  readonly #waiting: Waiting[] = []
  readonly #gathering: Gathering
  /** Commands not yet answered, sent ones included. */
  #pending = 0
  #requestsInFlight = 0

  constructor(parts: OrdersParts) {
    this.#parts = parts
    this.#limits = { ...orderLimits, ...parts.limits }
    this.#gathering = new Gathering(parts.clock, () => this.#sendWaiting())
  }

  /** Commands in hand. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Has the command executed exactly once, however often it has to be sent.
   *
   * @throws BazaarError the leader's refusal; OVERLOADED when too many wait; NO_QUORUM when `orderDeadlineMs` has passed
   */
  submit(command: Command): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      if (this.#pending >= this.#limits.ordersWaitingMax) {
        return reject(new BazaarError('OVERLOADED', `${this.#pending} orders are waiting already`))
      }
      this.#pending++
      const deadline = this.#parts.clock.now() + this.#limits.orderDeadlineMs
      this.#waiting.push({ command, deadline, sent: false, resolve, reject })
      this.#sendWaiting()
    })
  }

  #sendWaiting(): void {
    if (this.#gathering.holds(this.#waiting.length)) return
    while (this.#requestsInFlight < this.#limits.requestsInFlightMax && this.#waiting.length > 0) {
      this.#requestsInFlight++
      void this.#deliver(this.#waiting.splice(0, commandsPerRequestMax))
    }
  }

  /** Sends a batch until every command in it is answered. */
  async #deliver(commands: Waiting[]): Promise<void> {
    let unanswered = commands
    for (let failures = 0; ; failures++) {
      if (failures > 1) await sleep(this.#parts.clock, pauseAfter(failures))
      unanswered = await this.#attempt(unanswered)
      if (failures === 0) {
        this.#requestsInFlight--
        if (unanswered.length === 0) this.#gathering.begin(commands.length, this.#waiting.length)
        this.#sendWaiting()
      }
      if (unanswered.length === 0) return
    }
  }

  /** One request to the leader; gives back the commands that have to be sent again. */
  async #attempt(batch: Waiting[]): Promise<Waiting[]> {
    const { replicas, leadership, clock } = this.#parts
    const leader = await leadership.find(batch[0]?.deadline ?? 0)
    const live = batch.filter(waiting => waiting.deadline > clock.now() || this.#expire(waiting))
    const replica = leader === null ? undefined : replicas.get(leader)
    if (leader === null || replica === undefined || live.length === 0) return live
    const again = live.some(waiting => waiting.sent)
    for (const waiting of live) waiting.sent = true
    try {
      const commands = live.map(waiting => waiting.command)
      const results = await replica.execute(commands, { timeoutMs: this.#limits.attemptTimeoutMs })
      return live.filter((waiting, at) => !this.#answered(waiting, results[at], leader))
    } catch (error) {
      leadership.failed(leader, error)
      // "Too much to do" is no answer to those who may be executed all the same.
      if (isTransient(error) || (again && isOverload(error))) return live
      for (const waiting of live) this.#refuse(waiting, error)
      return []
    }
  }

  /** Hands a result to whoever waits for it; false when the command has to be sent again. */
  #answered(waiting: Waiting, result: CommandResult | undefined, leader: string): boolean {
    if (result === undefined) return false
    if (result.error === undefined) {
      this.#pending--
      this.#parts.onAnswer(waiting.command, result)
      waiting.resolve(result)
      return true
    }
    const error = BazaarError.from(result) ?? new BazaarError('INTERNAL', result.error.message)
    if (isTransient(error)) {
      this.#parts.leadership.failed(leader, error)
      return false
    }
    this.#refuse(waiting, error)
    return true
  }

  #refuse(waiting: Waiting, error: unknown): void {
    this.#pending--
    this.#parts.onAnswer(waiting.command, null)
    waiting.reject(error)
  }

  #expire(waiting: Waiting): false {
    const seconds = this.#limits.orderDeadlineMs / 1000
    const message = `no majority of order replicas answered within ${seconds} s: repeat it with the same Idempotency-Key`
    this.#refuse(waiting, new BazaarError('NO_QUORUM', message))
    return false
  }
}

import { BazaarError, type Clock, type Order, sleep } from '@bazaar/client'
import type { Leadership } from './leader.ts'
import { type OrderLimits, orderLimits } from './orders.ts'
import type { Replicas } from './ports.ts'
import { isTransient, pauseAfter } from './retry.ts'

/** Order queries under way; more are refused with OVERLOADED. */
export const queriesMax = 4096

export interface OrderQueriesParts {
  replicas: Replicas
  leadership: Leadership
  clock: Clock
  limits?: Partial<OrderLimits> | undefined
}

/** A replica has no answer that can be believed. */
class CannotSayError extends Error {}

/**
 * Reads orders back. The leader is asked first, because it surely has every acknowledged order; an order is immutable,
 * so while no leader answers any replica that has it will do. That nobody has it only the leader can say.
 */
export class OrderQueries {
  readonly #parts: OrderQueriesParts
  readonly #limits: OrderLimits
  #pending = 0

  constructor(parts: OrderQueriesParts) {
    this.#parts = parts
    this.#limits = { ...orderLimits, ...parts.limits }
  }

  /**
   * The order, or null when there is none.
   *
   * @throws BazaarError OVERLOADED when too many are asked; NO_QUORUM when nobody could say for `orderDeadlineMs`
   */
  async order(number: number): Promise<Order | null> {
    if (this.#pending >= queriesMax)
      throw new BazaarError('OVERLOADED', `${this.#pending} order queries are waiting already`)
    this.#pending++
    try {
      return await this.#untilDeadline(number)
    } finally {
      this.#pending--
    }
  }

  async #untilDeadline(number: number): Promise<Order | null> {
    const { leadership, clock } = this.#parts
    const deadline = clock.now() + this.#limits.orderDeadlineMs
    for (let failures = 0; clock.now() < deadline; failures++) {
      if (failures > 1) await sleep(clock, pauseAfter(failures))
      const leader = leadership.name
      const answer = leader === null ? await this.#askAll(number) : await this.#ask(leader, number)
      if (answer !== undefined) return answer
      if (leader === null) await leadership.find(Math.min(deadline, clock.now() + this.#limits.attemptTimeoutMs))
    }
    throw new BazaarError('NO_QUORUM', `no order replica could answer within ${this.#limits.orderDeadlineMs / 1000} s`)
  }

  /** The first useful answer of any replica, or undefined when nobody has one. Throws as `#ask` does, if nobody has. */
  async #askAll(number: number): Promise<Order | null | undefined> {
    const asked = [...this.#parts.replicas.keys()].map(async name => {
      const answer = await this.#ask(name, number)
      if (answer === undefined) throw new CannotSayError()
      return answer
    })
    return Promise.any(asked).catch(({ errors }: AggregateError) => {
      const failure = errors.find(error => !(error instanceof CannotSayError))
      if (failure === undefined) return undefined
      throw failure
    })
  }

  /** One replica's answer, or undefined when it has none that can be believed. */
  async #ask(name: string, number: number): Promise<Order | null | undefined> {
    try {
      return await this.#parts.replicas.get(name)?.order(number, { timeoutMs: this.#limits.attemptTimeoutMs })
    } catch (error) {
      this.#parts.leadership.failed(name, error)
      if (isTransient(error)) return undefined
      throw error
    }
  }
}

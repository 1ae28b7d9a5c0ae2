import type { Clock, Timer } from '@bazaar/client'
import type { Products } from './products.ts'

/** Every subscriber hears something at least this often, in ms, so that silence means trouble. */
export const heartbeatIntervalMs = 100
/** Subscribers at the same time. */
export const subscribersMax = 64
/** A subscriber that has not taken so many bytes is cut off; it comes back and starts anew. */
export const unsentBytesMax = 1024 * 1024

/** Where a subscriber's lines go: an HTTP answer under way, for one. */
export interface Subscriber {
  /** Bytes written that were not taken yet. */
  readonly writableLength: number
  write(text: string): unknown
  end(): unknown
  destroy(): unknown
}

/**
 * Tells front-ends which products changed, as lines of JSON: `{"index":A}` first (no change after A will be missing),
 * then `{"index":I,"name":N}` for every changed product, once per batch of the log, and `{"index":A}` as heartbeat.
 */
export class ChangeFeed {
  readonly #clock: Clock
  readonly #subscribers = new Set<Subscriber>()
  #timer: Timer | null = null
  #heartbeat = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many subscribe. */
  get size(): number {
    return this.#subscribers.size
  }

  /** Whether no more can subscribe. */
  get full(): boolean {
    return this.#subscribers.size >= subscribersMax
  }

  /** Adds a subscriber, from the products' present state on; `leave` it when it closes. */
  join(subscriber: Subscriber, { appliedIndex }: Products): void {
    this.#heartbeat = heartbeatLine(appliedIndex)
    this.#subscribers.add(subscriber)
    subscriber.write(this.#heartbeat)
    if (this.#timer === null) this.#startHeartbeats()
  }

  /** Removes a subscriber that closed. */
  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
  }

  /** Tells all subscribers that these products changed. */
  publish(names: ReadonlySet<string>, products: Products): void {
    if (this.#subscribers.size === 0) return
    this.#heartbeat = heartbeatLine(products.appliedIndex)
    if (names.size === 0) return
    let text = ''
    for (const name of names) text += `{"index":${products.get(name)?.index},"name":${JSON.stringify(name)}}\n`
    this.#send(text)
  }

  #startHeartbeats(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#send(this.#heartbeat)
      if (this.#subscribers.size > 0) this.#startHeartbeats()
      else this.#timer = null
    }, heartbeatIntervalMs)
  }

  #send(text: string): void {
    for (const subscriber of this.#subscribers) {
      subscriber.write(text)
      if (subscriber.writableLength <= unsentBytesMax) continue
      this.#subscribers.delete(subscriber)
      subscriber.destroy()
    }
  }

  /** Ends all subscriptions: what they were told no longer holds, or the process stops. */
  closeAll(): void {
    for (const subscriber of this.#subscribers) subscriber.end()
    this.#subscribers.clear()
  }

  /** Ends all subscriptions and the heartbeat. */
  stop(): void {
    this.closeAll()
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer)
    this.#timer = null
  }
}

function heartbeatLine(appliedIndex: number): string {
  return `{"index":${appliedIndex}}\n`
}

import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '@bazaar/client/contract'
import { linesTogetherMax, type ReplicatedLog } from './replicated-log.ts'

/** A feed that has nothing to say says so this often, so that a silent one is known to be dead. */
const heartbeatMs = 100
/** What was committed is sent so much later, so that the orders' own answers go first. */
const delayMs = 1
/**
 * What is committed within so long of the last lines goes with the next: a line for each order would take two more
 * processes out of their sleep each time, for what a front-end has read in the order's answer already.
 */
const intervalMs = 30
/** Feeds at one time: a few catalogs, and whoever watches. */
const feedsMax = 64

/** Streams committed lines to followers of the log, each at its own pace: a slow one is never buffered for. */
export class LogFeed {
  readonly #log: Pick<ReplicatedLog, 'appliedIndex' | 'lines'>
  readonly #clock: Clock
  readonly #feeds = new Map<ServerResponse, { next: number; blocked: boolean }>()
  #beating = false
  #timer: Timer | null = null
  #advancedAtMs = Number.NEGATIVE_INFINITY

  constructor(log: Pick<ReplicatedLog, 'appliedIndex' | 'lines'>, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  get full(): boolean {
    return this.#feeds.size >= feedsMax
  }

  /** Sends what comes after index `after` to this response, until it is closed. */
  add(response: ServerResponse, after: number): void {
    const feed = { next: after + 1, blocked: false }
    this.#feeds.set(response, feed)
    response.on('close', () => this.#feeds.delete(response))
    response.on('drain', () => {
      feed.blocked = false
      this.#advance(response, feed)
    })
    this.#advance(response, feed)
    if (!this.#beating) this.#beat()
  }

  /** To be called when more was committed. */
  advance(): void {
    if (this.#timer !== null || this.#feeds.size === 0) return
    const waitMs = this.#advancedAtMs + intervalMs - this.#clock.now()
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = null
        this.#advancedAtMs = this.#clock.now()
        for (const [response, feed] of this.#feeds) this.#advance(response, feed)
      },
      Math.max(delayMs, waitMs),
    )
  }

  close(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer)
    for (const response of this.#feeds.keys()) response.end()
    this.#feeds.clear()
  }

  #advance(response: ServerResponse, feed: { next: number; blocked: boolean }): void {
    while (!feed.blocked && feed.next <= this.#log.appliedIndex) {
      const to = Math.min(this.#log.appliedIndex, feed.next + linesTogetherMax - 1)
      const lines = this.#log.lines(feed.next, to)
      feed.next = to + 1
      feed.blocked = !response.write(Buffer.from(lines))
    }
  }

  #beat(): void {
    this.#beating = this.#feeds.size > 0
    if (!this.#beating) return
    for (const [response, { blocked }] of this.#feeds) if (!blocked) response.write('\n')
    this.#clock.setTimer(() => this.#beat(), heartbeatMs)
  }
}

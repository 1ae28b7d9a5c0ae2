import type { Change } from '@bazaar/client'
import type { FeedListener } from './feed.ts'

/** Readers of `GET /events` at a time; more are refused with OVERLOADED. */
export const subscribersMax = 256
/** A reader that lets so much pile up is cut off; its browser connects again by itself. */
export const unreadBytesMax = 64 * 1024
/** A comment this often keeps proxies from closing a quiet stream, and finds readers who are gone. */
export const heartbeatMs = 10_000

/** Where a reader's events are written: an HTTP answer under way. */
export interface EventSink {
  write(text: string): boolean
  destroy(): void
  readonly writableLength: number
}

/** Server-sent events (HTML Living Standard, 9.2) to all who read them. */
export class Events implements FeedListener {
  readonly #sinks = new Set<EventSink>()

  get subscribers(): number {
    return this.#sinks.size
  }

  /** There must be room: fewer than `subscribersMax`. */
  subscribe(sink: EventSink): void {
    this.#sinks.add(sink)
    sink.write('retry: 1000\n\n')
  }

  unsubscribe(sink: EventSink): void {
    this.#sinks.delete(sink)
  }

  publish(type: 'product' | 'cluster', data: unknown): void {
    if (this.#sinks.size > 0) this.#write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  heartbeat(): void {
    this.#write(':\n\n')
  }

  /** Ends all streams. */
  close(): void {
    for (const sink of this.#sinks) sink.destroy()
    this.#sinks.clear()
  }

  feedUp(_first: Change): void {}

  feed(change: Change): void {
    if (change.name !== undefined) this.publish('product', { name: change.name, index: change.index })
  }

  feedDown(): void {}

  #write(text: string): void {
    for (const sink of this.#sinks) {
      if (sink.writableLength <= unreadBytesMax) sink.write(text)
      else {
        sink.destroy()
        this.#sinks.delete(sink)
      }
    }
  }
}

import { type Change, type Clock, sleep } from '@bazaar/client'
import type { Catalog } from './ports.ts'
import { isFailure } from './retry.ts'

/** Between a broken feed and the attempt at the next. */
const feedPauseMs = 50

/** Who hears of the feed: `feedUp` with its first line, `feed` with every further one, `feedDown` when it ends. */
export interface FeedListener {
  feedUp(first: Change): void
  feed(change: Change): void
  feedDown(): void
}

export interface FeedParts {
  catalogs: readonly Catalog[]
  clock: Clock
  listeners: readonly FeedListener[]
  /** A feed that is silent for so long is given up. */
  feedTimeoutMs: number
  signal: AbortSignal
}

/**
 * Follows the changes of one catalog, and of the next when that feed breaks, until the signal aborts. One feed is
 * enough: it brings every change after its first line, whichever catalog a product was read from.
 */
export async function followChanges({ catalogs, clock, listeners, feedTimeoutMs, signal }: FeedParts): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    let up = false
    try {
      const catalog = catalogs[attempt % catalogs.length] as Catalog
      for await (const changes of catalog.changes({ idleMs: feedTimeoutMs, signal })) {
        for (const change of changes) {
          for (const listener of listeners) up ? listener.feed(change) : listener.feedUp(change)
          up = true
        }
      }
    } catch (error) {
      if (!signal.aborted && !isFailure(error)) throw error
    } finally {
      for (const listener of listeners) listener.feedDown()
    }
    await sleep(clock, feedPauseMs, signal)
  }
}

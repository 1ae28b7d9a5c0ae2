import type { OrderStatus } from '@bazaar/client/contract'
import type { Ledger } from './ledger.ts'
import type { LogFeed } from './log-feed.ts'
import type { ReplicatedLog } from './replicated-log.ts'
import type { Sequencer } from './sequencer.ts'

/** What the routes of a replica work with. */
export interface Node {
  readonly log: ReplicatedLog
  readonly ledger: Ledger
  readonly sequencer: Sequencer
  readonly feed: LogFeed
  readonly status: () => OrderStatus
}

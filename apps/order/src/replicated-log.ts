import type { LineCursor } from '@bazaar/client/contract'

/** Lines that are sent, written or folded at a time: 60 KiB of usual ones. */
export const linesTogetherMax = 400

/** Who leads, as this replica sees it. */
export interface Leadership {
  /** True while this replica leads. A deposed leader may still think so: only a commit or a barrier proves it. */
  readonly leading: boolean
  readonly leader: string | null
  readonly term: number
}

/**
 * The one seam beneath the order service: a log that several replicas agree on. Raft on local files implements it here
 * (`raft-log/`); another engine may, if it passes the same test suite.
 *
 * Facts are opaque strings. Lines, as committed, are facts with their place and checksum; every replica sees the same
 * lines in the same order.
 */
export interface ReplicatedLog {
  readonly leadership: Leadership
  /** False while this replica cannot store more (its disk is full): proposals would only wait. */
  readonly accepting: boolean
  /** Index of the last entry handed to the listener of `onCommitted`. */
  readonly appliedIndex: number

  /**
   * Appends the facts, in this order and without others between them. Resolves with the index of the first once all are
   * committed and applied here. Rejects with `NOT_LEADER` when this replica does not lead or stops leading meanwhile;
   * then the facts may or may not be committed later.
   */
  propose(facts: readonly string[]): Promise<number>

  /**
   * Resolves once a majority has confirmed, after this call, that this replica leads, and everything committed before
   * the call is applied here (ReadIndex, thesis 6.4). Rejects with `NOT_LEADER`.
   */
  barrier(): Promise<void>

  /**
   * Hears every committed line, in order, once: some at a time, with a cursor before the first, whose bytes are good until
   * it returns, and the index of the last that is known to be committed and will follow, or is among them. Set before the
   * log is opened. Must not throw.
   */
  onCommitted: (lines: LineCursor, last: number) => void

  /** Called when `leadership` changed. */
  onLeadership: (leadership: Leadership) => void

  /**
   * Committed lines from `from` to `to`, which must be applied, one after the other; good until the next call. The caller
   * bounds the stretch.
   */
  lines(from: number, to: number): Buffer
}

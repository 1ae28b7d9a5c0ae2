/**
 * The vocabulary of the core: events in, effects out. The core does no I/O, reads no clock and draws no randomness of
 * its own, so a list of events replays a run exactly (Ongaro & Ousterhout 2014; "thesis" is Ongaro's, 2014).
 */

/** A member's number, 1…N. Higher numbers are preferred as leader. */
export type MemberId = number

/** One place in the log. Its line stands in `bytes` from `start` up to `end`; the core hands it on and never reads it. */
export interface Entry {
  readonly index: number
  readonly term: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * The vote of a member that has lost both its hard state and its log, and knows only that a term has begun: it may have
 * voted for anybody, and its term is at least the one that it notes.
 */
export const unknownVote: MemberId = 0

/** What must survive a crash before anything is said that depends on it (figure 2, "Persistent state"). */
export interface HardState {
  readonly term: number
  /** A member, none, or `unknownVote`. */
  readonly vote: MemberId | null
  /** False for a member whose log was lost: it neither votes nor campaigns until it has caught up with a leader. */
  readonly voting: boolean
}

/** A stretch of the log whose entries share one term: `from` is its first index. Terms rise along the log. */
export interface TermRun {
  readonly from: number
  readonly term: number
}

export interface Options {
  readonly id: MemberId
  /** All members, this one included. */
  readonly members: readonly MemberId[]
  readonly hardState: HardState
  /** The recovered log: its last index (0 when empty) and its terms, run by run. All of it is durable. */
  readonly lastIndex: number
  readonly termRuns: readonly TermRun[]
  /** An index known to be committed before the restart; 0 when none is. What is past `lastIndex` is ignored. */
  readonly commitIndex: number
  /** Ticks between two heartbeats of a leader to which something was proposed since the last. */
  readonly heartbeatTicks: number
  /** The same, when nothing was. */
  readonly idleHeartbeatTicks: number
  /** Ticks without a leader before the most preferred member starts a pre-vote; also the check-quorum window. */
  readonly electionTicks: number
  /** Ticks that each more preferred member adds to a member's election timeout. */
  readonly preferenceTicks: number
  /** At most this many random ticks are added to an election timeout. */
  readonly jitterTicks: number
  readonly entriesPerAppendMax: number
  /** AppendEntries requests with entries that may be unanswered per follower. */
  readonly appendsInFlightMax: number
  /** Entries sent to one follower per tick, so that one that catches up does not crowd out the others. */
  readonly entriesPerTickMax: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Makes the entry that is stored for a proposed payload; null is a leader's no-op (section 8; thesis 6.4). Pure. */
  readonly seal: (index: number, term: number, payload: string | null) => Entry
}

export type Event =
  /** Time passes: one tick. */
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly message: Message }
  /** Only while leader: append these payloads. */
  | { readonly type: 'propose'; readonly payloads: readonly string[] }
  /** Only while leader: confirm leadership, then say up to which index a read must wait (ReadIndex, thesis 6.4). */
  | { readonly type: 'read'; readonly id: number }
  /** The log is durable up to `index`. The driver reports it only for entries that were not truncated since. */
  | { readonly type: 'persisted'; readonly index: number }
  /** A connection to the member was made: what was sent before may be lost, and its log may be another one. */
  | { readonly type: 'connected'; readonly member: MemberId }
  /** The member's connection closed. From the leader it is a hint to start a pre-vote at once. */
  | { readonly type: 'closed'; readonly member: MemberId }

interface Envelope {
  readonly from: MemberId
  readonly to: MemberId
  readonly term: number
}

/** `term` of a pre-vote is the term the sender would campaign in (thesis 9.6). */
export interface VoteRequest extends Envelope {
  readonly type: 'preVoteRequest' | 'voteRequest'
  readonly lastIndex: number
  readonly lastTerm: number
}

export interface VoteResponse extends Envelope {
  readonly type: 'preVoteResponse' | 'voteResponse'
  readonly granted: boolean
  /** The responder's last index: an empty member may vote only once it knows that every member is empty. */
  readonly lastIndex: number
}

/**
 * AppendEntries. The core emits it with the range `prevIndex + 1 … prevIndex + count` and no entries (it does not hold
 * them); the driver that sends it attaches the lines, and the receiver's core gets it with `entries`.
 * `round` numbers what the leader sends, so that an answer tells what it is an answer to.
 */
export interface AppendRequest extends Envelope {
  readonly type: 'appendRequest'
  readonly prevIndex: number
  readonly prevTerm: number
  readonly count: number
  readonly entries: readonly Entry[]
  readonly commitIndex: number
  readonly round: number
}

export interface AppendResponse extends Envelope {
  readonly type: 'appendResponse'
  /** Accepted: the log matches the leader's and is durable up to `matchIndex`. */
  readonly accepted: boolean
  readonly matchIndex: number
  /**
   * Refused: the log can match the leader's up to `conflictIndex` at most, where its term is `conflictTerm`; past it, its
   * terms are newer than the request's `prevTerm`, or it ends (section 5.3, the optimisation at its end).
   */
  readonly conflictIndex: number
  readonly conflictTerm: number
  /** Echo of the request's; 0, which is no round, if the request was of an older term. */
  readonly round: number
}

export type Message = VoteRequest | VoteResponse | AppendRequest | AppendResponse

/** What a step asks of the driver, in this order. */
export interface Effects {
  /** Make durable before anything below. */
  readonly hardState: HardState | null
  /** Drop the entries from this index on, before `append`. */
  readonly truncateFrom: number | null
  /** Write; once durable, report `persisted`. Sending need not wait for it (thesis 10.2.1). */
  readonly append: readonly Entry[]
  readonly send: readonly Message[]
  /** The commit index after the step. The others may have written up to there while this member's disk has not yet. */
  readonly commitIndex: number
  /** Reads that are confirmed: serve each once `index` is applied. */
  readonly reads: readonly { readonly id: number; readonly index: number }[]
  /** Reads that will never be confirmed because leadership was lost. */
  readonly readsRefused: readonly number[]
}

export type Role = 'leader' | 'follower' | 'candidate' | 'learner'

import type { ClusterStatus } from './status.ts'

/**
 * What can be done to a running cluster, from inside (`startCluster`) or from another process (`connectCluster`). A name
 * is that of a process or `leader`; an unknown one rejects with `UNKNOWN_PROCESS`, and `leader` with `NO_LEADER` when no
 * replica leads within `leaderWaitMs`. Whoever waits for something is refused as soon as it can no longer come.
 */
export interface Control {
  /** Every process as it is now. Takes at most `statusTimeoutMs` and a little. */
  status(): Promise<ClusterStatus>
  /**
   * SIGKILL; resolves with its name when it is dead. It is started again at once, unless `hold` keeps it down until
   * `start`. Rejects with `WRONG_STATE` when it is down.
   */
  kill(name: string, options?: { hold?: boolean }): Promise<string>
  /** SIGSTOP. Rejects with `WRONG_STATE` when it is down or paused. */
  pause(name: string): Promise<string>
  /** SIGCONT. Rejects with `WRONG_STATE` when it is not paused. */
  resume(name: string): Promise<string>
  /** Starts it and resolves when it answers. Rejects with `WRONG_STATE` when it runs, or does not answer in `startTimeoutMs`. */
  start(name: string): Promise<string>
}

export const actions = ['kill', 'pause', 'resume', 'start'] as const
export type Action = (typeof actions)[number]

/** How long `leader` waits for an election. */
export const leaderWaitMs = 5000
/** How long a process that was started has before it must answer. */
export const startTimeoutMs = 10_000
/** Longer than any action may take, so that the client never gives up on one that will succeed. */
export const actionTimeoutMs = startTimeoutMs + leaderWaitMs + 1000

/** The name of the supervisor's socket in the data folder. */
export const controlSocket = 'supervisor'

/**
 * Why a cluster, or the command sent to it, did not do what was asked. `message` is for the person at the terminal.
 *
 * - `ALREADY_RUNNING`: another supervisor owns the data folder.
 * - `PORT_IN_USE`, `DATA_NOT_WRITABLE`, `PRODUCTS_UNREADABLE`, `TOKEN_UNUSABLE`: the surroundings are not as needed;
 *   nothing was started.
 * - `NOT_READY`: the processes started but the shop did not open in time; everything was stopped again.
 * - `NOT_RUNNING`: no supervisor answers for the data folder.
 * - `UNKNOWN_PROCESS`: no process has that name. `WRONG_STATE`: it is not in a state in which that makes sense.
 * - `NO_LEADER`: no replica led within `leaderWaitMs`.
 */
export type ClusterReason = (typeof clusterReasons)[number]
const clusterReasons = [
  'ALREADY_RUNNING',
  'PORT_IN_USE',
  'DATA_NOT_WRITABLE',
  'PRODUCTS_UNREADABLE',
  'TOKEN_UNUSABLE',
  'NOT_READY',
  'NOT_RUNNING',
  'UNKNOWN_PROCESS',
  'WRONG_STATE',
  'NO_LEADER',
] as const

/** Why the supervisor refuses a request. `ROUTE_NOT_FOUND` and `INTERNAL` are faults of a program, not of who asks. */
export type ControlReason = ClusterReason | 'ROUTE_NOT_FOUND' | 'INTERNAL'

/** How an error travels over the supervisor's socket. */
export interface ControlErrorBody {
  error: { code: number; reason: ControlReason; message: string }
}

/** An error with one of the reasons above; nothing else is thrown for them. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly reason: ClusterReason

  constructor(reason: ClusterReason, message: string) {
    super(message)
    this.reason = reason
  }

  /** The error in an answer of the supervisor, or null when it is none with a reason above. */
  static from(body: unknown): ClusterError | null {
    const error = (body as Partial<ControlErrorBody> | null)?.error
    const reason = clusterReasons.find(reason => reason === error?.reason)
    return error === undefined || reason === undefined ? null : new ClusterError(reason, error.message)
  }
}

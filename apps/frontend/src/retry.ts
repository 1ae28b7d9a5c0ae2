import { BazaarError, ConnectionError } from '@bazaar/client'

/** The first pause between two attempts in ms; each further one is twice as long, up to the longest. */
export const retryPauseMs = 5
export const retryPauseMaxMs = 100

/** The pause after so many failures in a row: none after the first, since another peer may well answer at once. */
export function pauseAfter(failures: number): number {
  return failures < 2 ? 0 : Math.min(retryPauseMs * 2 ** (failures - 2), retryPauseMaxMs)
}

/**
 * Whether the same request may get a better answer later or elsewhere. Everything we send can be repeated: commands
 * carry keys, the rest only reads. OVERLOADED is not repeated: it asks for less load, so it goes back to the client, unless
 * an earlier attempt may have been heard.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return true
  return error instanceof BazaarError && ['NOT_LEADER', 'NO_QUORUM', 'INTERNAL'].includes(error.reason)
}

/** Whether a peer has no room for more. */
export function isOverload(error: unknown): boolean {
  return error instanceof BazaarError && error.reason === 'OVERLOADED'
}

/** Whether a peer refused or did not answer, for whatever reason: its state is then unknown. Any other error is a mistake of ours. */
export function isFailure(error: unknown): boolean {
  return error instanceof ConnectionError || error instanceof BazaarError
}

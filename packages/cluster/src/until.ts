import { setTimeout as sleep } from 'node:timers/promises'

/** How long to wait between two polls: ever longer, so that who asks leaves a slow machine to whom it asks. */
const pollMs = 10
const pollMaxMs = 250
const pollShare = 1 / 50

/**
 * Polls until `condition` gives something other than null or false and resolves with it, or with null after `timeoutMs`.
 * What `condition` throws is thrown.
 */
export async function until<T>(
  condition: () => T | false | null | Promise<T | false | null>,
  timeoutMs: number,
): Promise<T | null> {
  const startedAt = performance.now()
  for (;;) {
    const value = await condition()
    if (value !== null && value !== false) return value
    const passedMs = performance.now() - startedAt
    if (passedMs >= timeoutMs) return null
    await sleep(Math.min(Math.max(pollMs, passedMs * pollShare), pollMaxMs))
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 10

/**
 * Polls until `condition` gives something other than null or false and resolves with it, or with null after `timeoutMs`.
 * What `condition` throws is thrown.
 */
export async function until<T>(
  condition: () => T | false | null | Promise<T | false | null>,
  timeoutMs: number,
): Promise<T | null> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== null && value !== false) return value
    if (performance.now() >= deadline) return null
    await sleep(pollMs)
  }
}

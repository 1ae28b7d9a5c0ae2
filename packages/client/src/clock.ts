/**
 * Time as an argument: whatever waits takes a `Clock`, so a simulator can replay it from a seed. `now` is monotonic
 * milliseconds from an arbitrary start; a timer fires once, `delayMs` from now, unless it is cleared first.
 */
export interface Clock {
  now(): number
  setTimer(callback: () => void, delayMs: number): Timer
  clearTimer(timer: Timer): void
}

/** A handle that only its own clock understands. */
export type Timer = unknown

/** The machine's clock. A timer of it keeps the process alive until it fires. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimer: timer => clearTimeout(timer as NodeJS.Timeout),
}

/** Resolves after `delayMs` of the clock's milliseconds; early, without an error, when the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clock.clearTimer(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(done, delayMs)
    signal?.addEventListener('abort', done)
  })
}

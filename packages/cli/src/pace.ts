/** Decides when each iteration of a client starts, and when a run is over. */
export interface Pace {
  /** Waits for the next start and gives its time (ms, of `performance.now`) to measure from, or null when over. */
  next(): Promise<number | null> | number | null
}

/** An open loop's. */
export interface OpenPace extends Pace {
  /** It lasts until its next start would be due, however soon its last one is answered. */
  readonly plannedMs: number
  /** Starts for which no client was free in time. */
  readonly lateStarts: number
  /** The times of those that no client was free for before the run was over. */
  missedStarts(): Generator<number>
}

/** No client of one run goes past this, also when the run is limited by time. */
export const iterationsMax = 1_000_000

/** How long a run goes on: a number of iterations of each client, or seconds. */
export type Extent = { iterations: number } | { seconds: number }

/**
 * A closed loop: the next iteration starts as soon as the last is done. Each client has a pace of its own.
 *
 * @param startedAt when the run began, in ms of `performance.now`
 */
export function closedPace(extent: Extent, startedAt: number): Pace {
  const limit = 'iterations' in extent ? extent.iterations : iterationsMax
  const endsAt = 'seconds' in extent ? startedAt + extent.seconds * 1000 : Number.POSITIVE_INFINITY
  let done = 0
  return {
    next() {
      if (done >= limit) return null
      done += 1
      const now = performance.now()
      return now < endsAt ? now : null
    },
  }
}

/** A timer may wake a waiting client this late, in ms: then the lateness is the timer's, not the shop's, and is left out. */
export const timerLatenessMs = 2

/**
 * An open loop: iterations start at a fixed rate whether or not the earlier ones are done. All clients share the pace
 * and each takes the next start. When all were busy at that moment the iteration starts late, and is measured from when
 * it should have started, so that a slow shop cannot hide its slowness by slowing its clients down ("coordinated
 * omission", Gil Tene, wrk2).
 *
 * @param perSecond iterations a second of all clients together
 * @param extent iterations counts those of each client, as in a closed loop
 */
export function openPace(perSecond: number, clients: number, extent: Extent, startedAt: number): OpenPace {
  const total =
    'iterations' in extent ? extent.iterations * clients : Math.max(1, Math.floor(extent.seconds * perSecond))
  const limit = Math.min(total, iterationsMax * clients)
  // A shop that cannot keep up does not make the run any longer.
  const endsAt = 'seconds' in extent ? startedAt + extent.seconds * 1000 : Number.POSITIVE_INFINITY
  let taken = 0
  let lateStarts = 0
  const intendedAt = (start: number) => startedAt + (start * 1000) / perSecond
  const extentMs = 1000 * ('seconds' in extent ? extent.seconds : total / perSecond)
  return {
    plannedMs: Math.min(extentMs, (iterationsMax * clients * 1000) / perSecond),
    get lateStarts() {
      return lateStarts
    },
    *missedStarts() {
      for (let start = taken; start < limit; start += 1) yield intendedAt(start)
    },
    async next() {
      if (taken >= limit || performance.now() >= endsAt) return null
      const start = taken
      const intended = intendedAt(start)
      taken += 1
      const waitMs = intended - performance.now()
      // Nobody is busy yet when the first is due.
      if (start > 0 && -waitMs > timerLatenessMs) lateStarts += 1
      if (waitMs <= 0) return intended
      await new Promise(resolve => setTimeout(resolve, waitMs))
      const now = performance.now()
      return now - intended <= timerLatenessMs ? now : intended
    },
  }
}

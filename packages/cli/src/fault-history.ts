import { BazaarError } from '@bazaar/client'
import type { InjectedFault } from './fault-injector.ts'

/** What a client asked for. */
export type RequestKind = 'look-up' | 'query' | 'order'

/** A client may notice a moment after a fault is over that it was. */
const graceMs = 250

/**
 * Which failures of a request are no fault of the shop: a connection breaks while the front-end itself, its only door, is
 * down; orders are refused with 503 while the disk is full for all replicas. Everything else must not be noticed.
 */
export class FaultHistory {
  readonly #doorClosed: InjectedFault[] = []
  readonly #diskFull: InjectedFault[] = []

  /** Notes a fault that begins; its end is read from it later. */
  note(fault: InjectedFault): void {
    if (fault.fault === 'enospc') this.#diskFull.push(fault)
    // Of two processes the first is killed and the second only paused, which breaks no connection.
    else if (fault.fault !== 'pause' && fault.names[0]?.startsWith('frontend-')) this.#doorClosed.push(fault)
  }

  /** The front-end's incarnation: what one showed binds the same process only, not the next one. */
  frontend(): string {
    return `frontend-1, start ${this.#doorClosed.length + 1}`
  }

  /** Whether a request of that kind, sent at `invoked` and failed now, may have failed like this. */
  excuses(kind: RequestKind, error: unknown, invoked: number): boolean {
    const during = (faults: readonly InjectedFault[]) => faults.some(({ to }) => to + graceMs >= invoked)
    if (!(error instanceof BazaarError)) return during(this.#doorClosed)
    return kind === 'order' && error.code === 503 && during(this.#diskFull)
  }
}

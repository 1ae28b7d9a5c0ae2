import type { Acknowledgement, Lookup, OrderOperation } from '@bazaar/linearizability'

/** An operation under way or done. It counts as unanswered until `answer` is called. */
export interface Recorded<Op extends OrderOperation> {
  answer(outcome: NonNullable<Op['outcome']>): void
}

/** What the clients saw, and when catalogs restocked. Times are the scheduler's, in ms. */
export class History {
  readonly #now: () => number
  readonly operations: OrderOperation[] = []
  readonly lookups: Lookup[] = []
  readonly acknowledgements: Acknowledgement[] = []
  /** When a catalog tried to restock first, by the key of the restock. */
  readonly restocks = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** An operation begins. */
  begin<Op extends OrderOperation>(operation: Omit<Op, 'invoked' | 'returned' | 'outcome'>): Recorded<Op> {
    const place = this.operations.length
    const pending = { ...operation, invoked: this.#now(), returned: null, outcome: null } as unknown as OrderOperation
    this.operations.push(pending)
    return {
      answer: outcome => {
        this.operations[place] = { ...pending, returned: this.#now(), outcome } as OrderOperation
      },
    }
  }

  restock(key: string): void {
    if (!this.restocks.has(key)) this.restocks.set(key, this.#now())
  }

  /** The highest order number that any client knows of. */
  get lastNumber(): number {
    return this.acknowledgements.reduce((highest, { number }) => Math.max(highest, number), 0)
  }
}

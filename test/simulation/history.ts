import type { Acknowledgement, Lookup, OrderOperation } from '@bazaar/linearizability'

/** An operation under way or done. It counts as unanswered until `answer` is called. */
export interface Recorded<Op extends OrderOperation> {
  answer(outcome: NonNullable<Op['outcome']>): void
}

/** When it was tried first, and which log index was known to be applied at which time afterwards. */
export interface Restock {
  readonly invoked: number
  readonly answers: { readonly index: number; readonly at: number }[]
}

/** What the clients saw, and when catalogs restocked. Times are the scheduler's, in ms. */
export class History {
  readonly #now: () => number
  readonly operations: OrderOperation[] = []
  readonly lookups: Lookup[] = []
  readonly acknowledgements: Acknowledgement[] = []
  /** What catalogs restocked, by key. */
  readonly restocks = new Map<string, Restock>()

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

  /** A catalog tries to restock; to be called again with the index that it was answered. */
  restock(key: string, index?: number): void {
    const restock = this.restocks.get(key) ?? { invoked: this.#now(), answers: [] }
    this.restocks.set(key, restock)
    if (index !== undefined) restock.answers.push({ index, at: this.#now() })
  }

  /** The highest order number that any client knows of. */
  get lastNumber(): number {
    return this.acknowledgements.reduce((highest, { number }) => Math.max(highest, number), 0)
  }
}

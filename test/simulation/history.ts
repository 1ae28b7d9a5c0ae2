import type { Acknowledgement, Lookup, OrderOperation } from '@bazaar/linearizability'

/** An operation under way or done. It counts as unanswered until `answer` is called. */
export interface Recorded<Op extends OrderOperation> {
  answer(outcome: NonNullable<Op['outcome']>): void
}

/** When a change of stock or price was tried first, and which log index was known to be applied at which time after it. */
export interface ChangeAttempts {
  readonly invoked: number
  readonly answers: { readonly index: number; readonly at: number }[]
}

/** What the clients saw, and when stock and prices were changed. Times are the scheduler's, in ms. */
export class History {
  readonly #now: () => number
  readonly operations: OrderOperation[] = []
  readonly lookups: Lookup[] = []
  readonly acknowledgements: Acknowledgement[] = []
  /** Changes of stock and price that were tried, by key. */
  readonly changes = new Map<string, ChangeAttempts>()
  /** Stock that was added before the first customer came, by product. */
  readonly stockedBefore = new Map<string, number>()

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

  /** A change is tried; to be called again with the index that it was answered. */
  change(key: string, index?: number): void {
    const attempts = this.changes.get(key) ?? { invoked: this.#now(), answers: [] }
    this.changes.set(key, attempts)
    if (index !== undefined) attempts.answers.push({ index, at: this.#now() })
  }

  /** The highest order number that any client knows of. */
  get lastNumber(): number {
    return this.acknowledgements.reduce((highest, { number }) => Math.max(highest, number), 0)
  }
}

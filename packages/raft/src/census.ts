import type { MemberId, Message } from './types.ts'

/** What a learner has heard of the other members since it started: their terms, and whether their logs are empty. */
export class Census {
  readonly #others: readonly MemberId[]
  readonly #terms = new Map<MemberId, number>()
  readonly #empty = new Set<MemberId>()

  constructor(others: readonly MemberId[]) {
    this.#others = others
  }

  /** Every other member was heard. */
  get complete(): boolean {
    return this.#terms.size === this.#others.length
  }

  /** The newest term in which any of them was heard; 0 before one was. */
  get highestTerm(): number {
    return Math.max(0, ...this.#terms.values())
  }

  /** Every other member is known to hold no entry. */
  get everyoneEmpty(): boolean {
    return this.#empty.size === this.#others.length
  }

  note(message: Message): void {
    const { from, type } = message
    // A pre-vote asks for, and grants, the term after the sender's (thesis 9.6).
    const ahead = type === 'preVoteRequest' || (type === 'preVoteResponse' && message.granted)
    this.#terms.set(from, Math.max(this.#terms.get(from) ?? 0, ahead ? message.term - 1 : message.term))
    // A leader holds at least its no-op; an append response says nothing of the log's end.
    if (type === 'appendResponse') return
    if (type !== 'appendRequest' && message.lastIndex === 0) this.#empty.add(from)
    else this.#empty.delete(from)
  }
}

interface Kind {
  /** Numbers of its operations, by invocation. */
  readonly operations: number[]
  /** How many of them have taken effect. */
  used: number
}

/**
 * The operations without an answer. Those of one kind are interchangeable, so only the earliest of each kind that has
 * not taken effect is worth trying; it may be tried from its invocation on, for ever.
 */
export class Unanswered {
  readonly #kinds = new Map<string, Kind>()
  readonly #kindOf = new Map<number, Kind>()
  readonly #invoked = new Map<number, number>()

  /** Operations are added sorted by invocation. */
  add(operation: number, invoked: number, name: string): void {
    const kind = this.#kinds.get(name) ?? { operations: [], used: 0 }
    kind.operations.push(operation)
    this.#kinds.set(name, kind)
    this.#kindOf.set(operation, kind)
    this.#invoked.set(operation, invoked)
  }

  /** One operation of each kind, if it was invoked no later than `horizon`. */
  open(horizon: number): number[] {
    const open: number[] = []
    for (const { operations, used } of this.#kinds.values()) {
      const operation = operations[used]
      if (operation !== undefined && (this.#invoked.get(operation) as number) <= horizon) open.push(operation)
    }
    return open
  }

  take(operation: number): void {
    ;(this.#kindOf.get(operation) as Kind).used++
  }

  putBack(operation: number): void {
    ;(this.#kindOf.get(operation) as Kind).used--
  }
}

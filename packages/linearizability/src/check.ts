import { explainStuck, explainUndecided, type Stuck, shownMax } from './explain.ts'
import { Linearization } from './linearization.ts'
import { type Bounds, defaultBounds, type Model, type Operation, type Verdict } from './types.ts'

/**
 * Is there an order of the operations, each between its call and its return, in which the model gives every client the
 * outcome it saw? (Linearizability: Herlihy & Wing 1990; the search: Wing & Gong 1993, with the memoised dead ends of
 * Lowe, "Testing for linearizability", 2017.)
 *
 * A read-only operation that fits is taken at once: moving it forward hinders no other. So only operations that may
 * change the state are tried in several orders.
 */
export function check<State, Op extends Operation>(
  model: Model<State, Op>,
  history: readonly Op[],
  bounds: Bounds = defaultBounds,
): Verdict {
  return new Search(model, history, bounds).run()
}

interface Change<State> {
  readonly operation: number
  readonly state: State
}

/** A place on the way: the changes that may come next, and what it takes to return to it. */
interface Place<State> {
  readonly state: State
  readonly length: number
  readonly changes: readonly Change<State>[]
  readonly key: string | null
  tried: number
}

class Search<State, Op extends Operation> {
  readonly #model: Model<State, Op>
  readonly #bounds: Bounds
  readonly #order: Linearization<Op>
  readonly #places: Place<State>[] = []
  readonly #deadEnds = new Set<string>()
  #state: State
  #steps = 0
  #stuck: Stuck<State, Op> | null = null

  constructor(model: Model<State, Op>, history: readonly Op[], bounds: Bounds) {
    this.#model = model
    this.#bounds = bounds
    this.#order = new Linearization(model as Model<unknown, Op>, history)
    this.#state = model.initial
  }

  run(): Verdict {
    do {
      const changes = this.#settle()
      if (this.#order.complete) return { ok: true }
      if (this.#steps > this.#bounds.stepsMax || this.#deadEnds.size >= this.#bounds.deadEndsMax) {
        return { ok: false, undecided: true, explanation: explainUndecided(this.#steps, this.#deadEnds.size) }
      }
      this.#enter(changes)
    } while (this.#advance())
    const explanation = explainStuck(this.#model, this.#stuck as Stuck<State, Op>)
    return { ok: false, undecided: false, explanation }
  }

  /** Takes every open read-only operation that fits; returns the changes that are possible then. */
  #settle(): Change<State>[] {
    const changes: Change<State>[] = []
    for (let at = this.#order.firstAnswered(); at !== -1; at = this.#order.answeredAfter(at)) {
      const states = this.#apply(at)
      if (this.#model.readOnly(this.#order.operations[at] as Op)) {
        if (states.length > 0) this.#order.take(at)
      } else for (const state of states) changes.push({ operation: at, state })
    }
    for (const operation of this.#order.openUnanswered()) {
      for (const state of this.#apply(operation)) changes.push({ operation, state })
    }
    return changes
  }

  #apply(operation: number): readonly State[] {
    this.#steps++
    return this.#model.apply(this.#state, this.#order.operations[operation] as Op)
  }

  #enter(changes: readonly Change<State>[]): void {
    // Before the first dead end there is nothing to compare with: most histories never pay for a key.
    const key = this.#deadEnds.size === 0 ? null : this.#key()
    const known = key !== null && this.#deadEnds.has(key)
    this.#places.push({ state: this.#state, length: this.#order.length, changes: known ? [] : changes, key, tried: 0 })
    if (changes.length === 0) this.#noteStuck()
  }

  /** Makes the next change that was not tried yet, going back as far as it must. False: none is left. */
  #advance(): boolean {
    for (let place = this.#places.at(-1); place !== undefined; place = this.#places.at(-1)) {
      this.#order.cutTo(place.length)
      this.#state = place.state
      const change = place.changes[place.tried++]
      if (change !== undefined) {
        this.#order.take(change.operation)
        this.#state = change.state
        return true
      }
      this.#deadEnds.add(place.key ?? this.#key())
      this.#places.pop()
    }
    return false
  }

  #key(): string {
    return `${this.#order.fingerprint} ${this.#model.key(this.#state)}`
  }

  #noteStuck(): void {
    if (this.#stuck !== null && this.#stuck.length >= this.#order.length) return
    this.#stuck = {
      length: this.#order.length,
      total: this.#order.operations.length,
      last: this.#order.last(shownMax),
      state: this.#state,
      open: this.#order.open(),
    }
  }
}

import { Fingerprint } from './fingerprint.ts'
import { OpenCalls } from './open-calls.ts'
import type { Model, Operation } from './types.ts'
import { Unanswered } from './unanswered.ts'

/** The order found so far, the operations that may come next, and the way back. Operations go by their number. */
export class Linearization<Op extends Operation> {
  readonly operations: readonly Op[]
  readonly answered: number
  readonly #calls: OpenCalls
  readonly #unanswered = new Unanswered()
  readonly #taken: number[] = []
  readonly #fingerprint = new Fingerprint()

  constructor(model: Model<unknown, Op>, history: readonly Op[]) {
    const sorted = history.toSorted((a, b) => a.invoked - b.invoked)
    const answered = sorted.filter(operation => operation.returned !== null)
    this.operations = [...answered, ...sorted.filter(operation => operation.returned === null)]
    this.answered = answered.length
    this.#calls = new OpenCalls(answered)
    for (let at = this.answered; at < this.operations.length; at++) {
      const operation = this.operations[at] as Op
      this.#unanswered.add(at, operation.invoked, model.kind(operation))
    }
  }

  /** Every answered operation has its place; one without an answer need not have happened. */
  get complete(): boolean {
    return this.#calls.empty
  }

  get length(): number {
    return this.#taken.length
  }

  /** Names the set of operations that have their place. */
  get fingerprint(): string {
    return this.#fingerprint.toString()
  }

  firstAnswered(): number {
    return this.#calls.first()
  }

  /** The next open one after `operation`, or -1; `operation` may just have been taken. */
  answeredAfter(operation: number): number {
    return this.#calls.after(operation)
  }

  openUnanswered(): number[] {
    return this.#unanswered.open(this.#calls.horizon())
  }

  take(operation: number): void {
    if (operation < this.answered) this.#calls.lift(operation)
    else this.#unanswered.take(operation)
    this.#fingerprint.toggle(operation)
    this.#taken.push(operation)
  }

  /** Forgets all but the first `length` operations. */
  cutTo(length: number): void {
    while (this.#taken.length > length) {
      const operation = this.#taken.pop() as number
      this.#fingerprint.toggle(operation)
      if (operation < this.answered) this.#calls.unlift(operation)
      else this.#unanswered.putBack(operation)
    }
  }

  /** The last `count` operations that have their place, in order. */
  last(count: number): Op[] {
    return this.#taken.slice(-count).map(operation => this.operations[operation] as Op)
  }

  /** All that may come next. */
  open(): Op[] {
    const open = this.openUnanswered()
    for (let at = this.firstAnswered(); at !== -1; at = this.answeredAfter(at)) open.push(at)
    return open.map(operation => this.operations[operation] as Op)
  }
}

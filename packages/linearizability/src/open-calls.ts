import type { Operation } from './types.ts'

/**
 * The operations that are not linearized yet, and which of them may come next: those invoked before the first return
 * that is still ahead (the linked list of Wing & Gong 1993, with the constant-time lift and unlift of Lowe 2017).
 *
 * Node 0 is the list's end on both sides. Operation i, by invocation, has its call at node 2i + 1 and its return at 2i + 2.
 */
export class OpenCalls {
  readonly #next: Int32Array
  readonly #previous: Int32Array
  readonly #returned: Float64Array

  /** Takes answered operations only, sorted by invocation. A call at the very time of a return is concurrent with it. */
  constructor(operations: readonly Operation[]) {
    const nodes = new Int32Array(operations.length * 2)
    this.#returned = Float64Array.from(operations, operation => operation.returned ?? Number.POSITIVE_INFINITY)
    const returns = Int32Array.from(operations, (_, at) => at)
    returns.sort((a, b) => (this.#returned[a] as number) - (this.#returned[b] as number))
    let calls = 0
    for (let place = 0, answers = 0; place < nodes.length; place++) {
      const call = operations[calls]
      const answer = returns[answers] as number
      if (call !== undefined && call.invoked <= (this.#returned[answer] as number)) nodes[place] = 2 * calls++ + 1
      else {
        nodes[place] = 2 * answer + 2
        answers++
      }
    }
    this.#next = new Int32Array(nodes.length + 1)
    this.#previous = new Int32Array(nodes.length + 1)
    let last = 0
    for (const node of nodes) {
      this.#next[last] = node
      this.#previous[node] = last
      last = node
    }
    this.#next[last] = 0
    this.#previous[0] = last
  }

  get empty(): boolean {
    return this.#next[0] === 0
  }

  /** The first operation that may come next, or -1. */
  first(): number {
    return this.#callAt(this.#next[0] as number)
  }

  /** The one after `operation` that may come next too, or -1; `operation` may just have been lifted. */
  after(operation: number): number {
    return this.#callAt(this.#next[2 * operation + 1] as number)
  }

  /** The time of the first return ahead: what is invoked after it cannot come next. */
  horizon(): number {
    let node = this.#next[0] as number
    while (node % 2 === 1) node = this.#next[node] as number
    return node === 0 ? Number.POSITIVE_INFINITY : (this.#returned[node / 2 - 1] as number)
  }

  lift(operation: number): void {
    this.#unlink(2 * operation + 2)
    this.#unlink(2 * operation + 1)
  }

  /** Undoes `lift`; lifts are undone in reverse order. */
  unlift(operation: number): void {
    this.#link(2 * operation + 1)
    this.#link(2 * operation + 2)
  }

  #callAt(node: number): number {
    return node % 2 === 1 ? (node - 1) / 2 : -1
  }

  #unlink(node: number): void {
    const next = this.#next[node] as number
    const previous = this.#previous[node] as number
    this.#next[previous] = next
    this.#previous[next] = previous
  }

  #link(node: number): void {
    this.#next[this.#previous[node] as number] = node
    this.#previous[this.#next[node] as number] = node
  }
}

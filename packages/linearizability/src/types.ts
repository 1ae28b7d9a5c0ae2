/** One call to the object under test, as its client saw it. Times share one clock; its unit does not matter. */
export interface Operation {
  readonly client: string
  readonly invoked: number
  /** Null: no answer came, so it may take effect at any time after `invoked`, or never. */
  readonly returned: number | null
}

/** What the object would do if it did one thing at a time. */
export interface Model<State, Op extends Operation> {
  readonly initial: State
  /** The states that may follow when the operation takes effect here with the outcome that was seen; none: impossible. */
  apply(state: State, operation: Op): readonly State[]
  /** With this outcome it changes no state whatever: a read, a refusal. */
  readOnly(operation: Op): boolean
  /** Equal for equal states. */
  key(state: State): string
  /** Operations without an answer of one kind are interchangeable: equal effect in every state. */
  kind(operation: Op): string
  describe(operation: Op): string
  describeState(state: State): string
}

/** `undecided`: the search met one of its bounds before it could tell. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly undecided: boolean; readonly explanation: string }

export interface Bounds {
  /** Times that the model may be asked. */
  readonly stepsMax: number
  /** Dead ends that are remembered; about 100 bytes each. */
  readonly deadEndsMax: number
}

export const defaultBounds: Bounds = { stepsMax: 20_000_000, deadEndsMax: 1_000_000 }

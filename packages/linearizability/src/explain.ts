import type { Model, Operation } from './types.ts'

/** Operations of a kind that an explanation shows. */
export const shownMax = 12

/** The longest order that was found, and what could not be added to it. */
export interface Stuck<State, Op extends Operation> {
  readonly length: number
  readonly total: number
  readonly last: readonly Op[]
  readonly state: State
  readonly open: readonly Op[]
}

/** For a person: the longest order of events that works, and the operations that fit nowhere after it. */
export function explainStuck<State, Op extends Operation>(model: Model<State, Op>, stuck: Stuck<State, Op>): string {
  const line = (operation: Op) => `  ${whenAndWho(operation)} ${model.describe(operation)}`
  const left = stuck.open.length - shownMax
  return [
    `not linearizable: ${stuck.length} of ${stuck.total} operations fit, then none of the open ones can be next`,
    ...(stuck.last.length > 0 ? ['the last that fit, in order:', ...stuck.last.map(line)] : []),
    `the state then: ${model.describeState(stuck.state)}`,
    'open, and impossible now:',
    ...stuck.open.slice(0, shownMax).map(line),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ].join('\n')
}

/** For a person: the search was given up after so many steps, which says neither yes nor no. */
export function explainUndecided(steps: number, deadEnds: number): string {
  return `undecided: the search was given up after ${steps} steps and ${deadEnds} dead ends`
}

function whenAndWho(operation: Operation): string {
  return `${operation.invoked}–${operation.returned ?? '…'} ${operation.client}:`
}

import { formatCount } from './format.ts'
import { columns, type Table } from './table.ts'

/** A figure against the goal it should meet. */
export interface Ratio {
  name: string
  what: string
  value: number
  goal: number
  /** Whether the figure should be at least its goal, or at most. */
  better: 'above' | 'below'
}

/** A figure that should be at most its goal. */
export function below(name: string, what: string, value: number, goal: number): Ratio {
  return { name, what, value, goal, better: 'below' }
}

/** A figure that should be at least its goal. */
export function above(name: string, what: string, value: number, goal: number): Ratio {
  return { name, what, value, goal, better: 'above' }
}

/** Whether the measured ratio is at least, or at most, what its goal says. */
export function meetsGoal({ value, goal, better }: Ratio): boolean {
  return better === 'above' ? value >= goal : value <= goal
}

/** Whether a figure is so far from its goal that no noise of a machine explains it: twice as bad, or none at all. */
export function missesByHalf({ value, goal, better }: Ratio): boolean {
  return !(better === 'above' ? value >= goal / 2 : value <= goal * 2)
}

/** Those that are so far from their goals, a line for each. */
export function farOff(ratios: readonly Ratio[]): string[] {
  return ratios.filter(missesByHalf).map(({ what }) => `MISSED, twice as bad as its goal or worse: ${what}`)
}

/** What the last column of such a table says. */
export function missedNote(isJudged: boolean): string {
  return isJudged
    ? 'Missed in small letters may be the machine’s; MISSED is twice as bad as the goal or worse, and fails the check.'
    : 'MISSED is twice as bad as the goal or worse. It fails nothing here, because the machine was disturbed.'
}

/** Ratios or figures against their goals. */
export function ratioTable(ratios: readonly Ratio[]): Table {
  const figure = (value: number) => (value >= 1000 ? formatCount(value) : value.toFixed(2))
  return {
    columns: columns('<figure', 'measured', 'goal', '<'),
    rows: ratios.map(ratio => [
      ratio.what,
      figure(ratio.value),
      `${ratio.better === 'above' ? '≥' : '≤'} ${figure(ratio.goal)}`,
      meetsGoal(ratio) ? 'met' : missesByHalf(ratio) ? 'MISSED' : 'missed',
    ]),
  }
}

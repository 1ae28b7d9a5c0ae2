import type { Acknowledged } from './chaos-record.ts'
import type { InjectedFault } from './fault-injector.ts'

type Answer = Pick<Acknowledged, 'invoked' | 'returned'>

/** A fault may be felt this long after its process answers again. */
const aftermathMs = 1_000

/**
 * For each fault the longest time without an order being answered, in ms: of all gaps between one answer and the next,
 * the longest that reaches into the time from the fault's begin to a second after its end.
 */
export function stallsOf(
  faults: readonly Pick<InjectedFault, 'from' | 'to'>[],
  answers: readonly Answer[],
  startedAt: number,
  endedAt: number,
): number[] {
  const times = [startedAt, ...answers.map(answer => answer.returned), endedAt].sort((a, b) => a - b)
  return faults.map(({ from, to }) => {
    let longest = 0
    let at = firstAfter(times, from)
    for (; at < times.length; at += 1) {
      const gapFrom = times[at - 1] ?? startedAt
      if (gapFrom > to + aftermathMs) break
      longest = Math.max(longest, (times[at] ?? endedAt) - gapFrom)
    }
    return longest
  })
}

/**
 * For each kill of a leader the time in ms until an order was answered that was asked for after the kill; null when
 * there was none. An answer to an earlier request may have been on its way already and proves nothing.
 */
export function failoversOf(
  faults: readonly Pick<InjectedFault, 'from' | 'leaderKilled'>[],
  answers: readonly Answer[],
): (number | null)[] {
  const byAnswer = answers.toSorted((a, b) => a.returned - b.returned)
  const times = byAnswer.map(answer => answer.returned)
  return faults
    .filter(fault => fault.leaderKilled)
    .map(({ from }) => {
      for (let at = firstAfter(times, from); at < byAnswer.length; at += 1) {
        const answer = byAnswer[at] as Answer
        if (answer.invoked >= from) return answer.returned - from
      }
      return null
    })
}

/** Where the first of the sorted times after `time` is. */
function firstAfter(times: readonly number[], time: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] as number) > time) high = middle
    else low = middle + 1
  }
  return low
}

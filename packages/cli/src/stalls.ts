import type { Acknowledged } from './chaos-record.ts'
import type { InjectedFault } from './fault-injector.ts'

type Answer = Pick<Acknowledged, 'invoked' | 'returned'>

/** A fault may be felt this long after its process answers again. */
const aftermathMs = 1_000

/**
 * For each fault the longest time without an order being answered, in ms: of all gaps between one answer and the next
 * that begin before a second after the fault's end, the longest part between this fault's begin and the next one's.
 *
 * @param faults in the order of their begin
 */
export function stallsOf(
  faults: readonly Pick<InjectedFault, 'from' | 'to'>[],
  answers: readonly Answer[],
  endedAt: number,
): number[] {
  const times = [...answers.map(answer => answer.returned), endedAt].sort((a, b) => a - b)
  return faults.map(({ from, to }, which) => {
    const nextFrom = faults[which + 1]?.from ?? endedAt
    let longest = 0
    let gapFrom = from
    for (let at = firstAfter(times, from); at < times.length && gapFrom < nextFrom; at += 1) {
      if (gapFrom > to + aftermathMs) break
      const gapTo = times[at] as number
      longest = Math.max(longest, Math.min(gapTo, nextFrom) - gapFrom)
      gapFrom = gapTo
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

/**
 * For each fault the slowest look-up that was under way between its begin and a second after its end, in ms; null when
 * there was none.
 */
export function slowestLookups(
  faults: readonly Pick<InjectedFault, 'from' | 'to'>[],
  lookups: readonly Answer[],
): (number | null)[] {
  return faults.map(({ from, to }) => {
    let slowest: number | null = null
    for (const { invoked, returned } of lookups) {
      if (returned >= from && invoked <= to + aftermathMs) slowest = Math.max(slowest ?? 0, returned - invoked)
    }
    return slowest
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

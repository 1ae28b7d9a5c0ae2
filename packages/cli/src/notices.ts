import type { Notice } from '@bazaar/cluster'

/** After so many deaths of one process, with none for `quietAfterMs`, it is left alone until it has been quiet. */
const deathsTold = 3
const quietAfterMs = 60_000

/**
 * Turns what happens in the shop into short lines for its owner: one for a process that dies, one when it is back, one
 * for a new leader. A process that keeps dying is told about a few times and then left to its log.
 *
 * @returns A function from a notice, and the time in ms, to a line or null.
 */
export function noticeLines(): (notice: Notice, nowMs: number) => string | null {
  const deaths = new Map<string, { count: number; lastMs: number }>()
  const deathsOf = (name: string, nowMs: number) => {
    const known = deaths.get(name)
    return known === undefined || nowMs - known.lastMs > quietAfterMs ? 0 : known.count
  }
  return (notice, nowMs) => {
    const { name } = notice
    if (notice.type === 'leader') return `${name} leads (term ${notice.term})`
    if (notice.type === 'up') return deathsOf(name, nowMs) <= deathsTold ? `${name} is back (pid ${notice.pid})` : null
    const count = deathsOf(name, nowMs) + 1
    deaths.set(name, { count, lastMs: nowMs })
    if (count > deathsTold) return null
    const said = notice.lastWords === '' ? '' : `; it said: ${notice.lastWords}`
    if (count === deathsTold)
      return `${name} ${notice.how} again and will be kept trying; its log is ${notice.log}${said}`
    return `${name} ${notice.how}; started again${notice.restartInMs === 0 ? '' : ` in ${notice.restartInMs} ms`}${said}`
  }
}

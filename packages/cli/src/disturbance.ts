import { readFileSync } from 'node:fs'
import { cpuTimesMs, tickMs } from './cpu-time.ts'
import { formatPercent } from './format.ts'

/** A machine of which others take more than this share cannot be measured well. */
const disturbanceMax = 0.1

/** Whether others took so much of the machine that its figures say little. */
export const isDisturbed = (disturbance: number | null): boolean => disturbance !== null && disturbance > disturbanceMax

/** A warning for people, or nothing when the machine was left alone. */
export function disturbanceNote(disturbance: number | null): string[] {
  if (!isDisturbed(disturbance)) return []
  return [`Disturbed: ${formatPercent(disturbance)} of the processor time went to others, so these figures say little.`]
}

/**
 * Begins to watch how much of the machine's processor time goes to others than this process and those of `pids`: other
 * programs, and other machines on the same host ("steal"). The function returned gives that share so far, 0…1, or null
 * where there is no /proc, or when one of the processes has ended.
 */
export function watchDisturbance(pids: readonly number[]): () => number | null {
  const before = timesOf(pids)
  return () => {
    const now = timesOf(pids)
    if (before === null || now === null) return null
    const total = now.total - before.total
    const others = now.busy - before.busy - (now.ours - before.ours)
    return total === 0 ? 0 : Math.max(0, others / total)
  }
}

interface Times {
  total: number
  busy: number
  ours: number
}

/** Processor times since the machine's start, of all processors together, in ms (proc_stat(5)). */
function timesOf(pids: readonly number[]): Times | null {
  const [line] = whereThere(() => readFileSync('/proc/stat', 'latin1'))?.split('\n') ?? []
  if (line === undefined) return null
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(ticks => Number(ticks) * tickMs)
  const busy = user + nice + system + irq + softirq + steal
  const ours = whereThere(() => cpuTimesMs([process.pid, ...pids]))
  return ours === null ? null : { total: busy + idle + iowait, busy, ours }
}

/** Null where there is no /proc, or a process has ended. */
function whereThere<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}

import { readFileSync } from 'node:fs'

/** Linux counts processor time for programs in hundredths of a second, whatever the kernel's own tick is. */
export const tickMs = 10

/**
 * Processor time that a process has used so far, in user and in system mode together, in ms (proc_pid_stat(5), fields 14
 * and 15). Precise to 10 ms. Throws when there is no such process, or no /proc.
 */
export function cpuTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the program's name in parentheses and may have blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

/** The sum over several processes. */
export function cpuTimesMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuTimeMs(pid), 0)
}

import { readFileSync } from 'node:fs'

/**
 * Memory that these processes take together, in MiB: pages that several of them share are counted once (the proportional
 * set size of proc_pid_smaps(5), added up). Throws when there is no such process, or no /proc.
 */
export function proportionalSetMiB(pids: readonly number[]): number {
  const kib = pids.map(pid =>
    Number(/^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]),
  )
  return Math.round(kib.reduce((sum, each) => sum + each, 0) / 1024)
}

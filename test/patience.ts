import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const patienceMs = 20_000
const pollMs = 10

type Sought<T> = T | false | null

/** Waits for the first value that is neither false nor null. Throws what was waited for after `patienceMs`. */
export async function eventually<T>(what: string, read: () => Sought<T> | Promise<Sought<T>>): Promise<T> {
  for (const deadline = performance.now() + patienceMs; ; await sleep(pollMs)) {
    const value = await read()
    if (value !== false && value !== null) return value
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`)
  }
}

/** How long Node takes to start and end on a quiet machine with a disk and two processors, in ms. */
const nodeStartMs = 35

/**
 * How many times slower this machine is at the moment than a quiet one, at least 1. Limits on how fast a process comes
 * back are for a quiet machine; most of that time is the start of Node, so that is what is measured: the median of five.
 */
export function slowness(): number {
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now()
    spawnSync(process.execPath, ['-e', '0'], { env: { ...process.env, NODE_OPTIONS: '' } })
    return performance.now() - began
  })
  const median = times.sort((one, other) => one - other)[2] as number
  return Math.max(1, median / nodeStartMs)
}

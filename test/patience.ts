import { setTimeout as sleep } from 'node:timers/promises'

export const patienceMs = 20_000
const pollMs = 10

/** Waits until the condition holds. Throws what was waited for after `patienceMs`. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`)
    await sleep(pollMs)
  }
}

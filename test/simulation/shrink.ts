import type { PlannedFault } from './fault.ts'
import { type Outcome, type SimulationOptions, simulate } from './simulation.ts'

/** Runs that shrinking may take. */
const runsMax = 150

/**
 * Leaves out as many faults of a failing run as it can, by ever smaller groups (Zeller & Hildebrandt, "Simplifying and
 * isolating failure-inducing input", 2002), and returns the run with those that are needed. The violation may be another
 * one by then.
 */
export async function shrink(failing: Outcome, options: SimulationOptions): Promise<Outcome> {
  let best = failing
  let runs = 0
  for (let size = Math.ceil(best.plan.length / 2); size >= 1 && runs < runsMax; ) {
    let smaller: Outcome | null = null
    for (let start = 0; start < best.plan.length && smaller === null && runs < runsMax; start += size) {
      runs++
      const plan: PlannedFault[] = best.plan.toSpliced(start, size)
      const outcome = await simulate({ ...options, plan })
      if (outcome.violation !== null) smaller = outcome
    }
    if (smaller !== null) best = smaller
    else size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return best
}

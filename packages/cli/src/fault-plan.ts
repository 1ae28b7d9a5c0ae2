import type { Random } from './random.ts'

/**
 * What can be done to a process. `kill`: SIGKILL, and it is started again at once; `down`: SIGKILL, and it stays down for
 * a while; `pause`: SIGSTOP, later SIGCONT; `both`: one process is down while another is paused; `eio`: the disk fails a
 * replica's next fdatasync, of its log or of its ring; `enospc`: the disk is full for all replicas for a while.
 */
export const faultKinds = ['kill', 'down', 'pause', 'both', 'eio', 'enospc'] as const
export type FaultKind = (typeof faultKinds)[number]

/** Whom it can befall. `random`: any process; `rolling`: one process after the other, in the order of their names. */
export const faultTargets = ['leader', 'follower', 'catalog', 'frontend', 'random', 'rolling'] as const
export type FaultTarget = (typeof faultTargets)[number]

/** One fault as planned, before it is known which process leads. Times in ms. */
export interface PlannedFault {
  fault: FaultKind
  target: FaultTarget
  /** Quiet time before it. */
  afterMs: number
  /** How long the process is paused or kept down, or the disk is full; 0 for `kill` and `eio`. */
  holdMs: number
}

const quietMs = { min: 50, max: 1_000 }
const pauseMs = { min: 100, max: 5_000 }
const downMs = { min: 200, max: 2_000 }
/** A process paused while another is down can cost the majority: it must come back long before an order's deadline. */
const bothMs = { min: 100, max: 1_000 }
const fullMs = { min: 200, max: 2_000 }

/** Faults that need strace to be injected. */
export const diskFaults: readonly FaultKind[] = ['eio', 'enospc']

/** An endless plan that the random numbers decide. Every fault with every target is as likely as any other. */
export function* faultPlan(
  faults: readonly FaultKind[],
  targets: readonly FaultTarget[],
  random: Random,
): Generator<PlannedFault, never> {
  const between = ({ min, max }: { min: number; max: number }) => Math.round(min + random.next() * (max - min))
  const holdOf: Record<FaultKind, () => number> = {
    kill: () => 0,
    down: () => between(downMs),
    pause: () => between(pauseMs),
    both: () => between(bothMs),
    eio: () => 0,
    enospc: () => between(fullMs),
  }
  for (;;) {
    const fault = random.pick(faults)
    const target = random.pick(targets)
    yield { fault, target, afterMs: between(quietMs), holdMs: holdOf[fault]() }
  }
}

import { drawEpisode } from './episode.ts'
import type { Random } from './random.ts'

/**
 * What can go wrong. `who` may be `leader`: whoever leads then; `follower-n`: the n-th of the other replicas; or `all
 * orders`. Times are in ms; after `downMs` a process that ended is started again.
 */
export type Fault =
  | { type: 'kill'; who: string; downMs: number }
  /** Dies in the middle of what it does: in its n-th call to the disk or the network. */
  | { type: 'crash'; who: string; calls: number; powerCut: boolean; downMs: number }
  | { type: 'powerCut'; who: string; downMs: number }
  | { type: 'pause'; who: string; forMs: number }
  | { type: 'jump'; who: string; byMs: number }
  /** Its timers take so many times as long, as in a process that gets little of the CPU. */
  | { type: 'slow'; who: string; times: number; forMs: number }
  /** With `ordersOnly`, front-ends and catalogs reach both sides. */
  | { type: 'split'; minority: readonly string[]; ordersOnly: boolean; forMs: number }
  | { type: 'oneWay'; from: string; to: string; forMs: number }
  | { type: 'ring'; forMs: number }
  | { type: 'cut'; one: string; other: string }
  | { type: 'slowDisk'; who: string; times: number; forMs: number }
  | { type: 'eio'; who: string }
  | { type: 'fullDisk'; who: string; forMs: number }
  /** A bit of the log, or of `state.json`, that stood on disk; `place` is uniform in [0, 1). */
  | { type: 'flip'; who: string; place: number; state: boolean; downMs: number }
  | { type: 'removeFolder'; who: string; downMs: number }

export interface PlannedFault {
  readonly at: number
  readonly fault: Fault
}

export interface FaultPlanOptions {
  readonly random: Random
  readonly orders: readonly string[]
  readonly others: readonly string[]
  readonly untilMs: number
  readonly count: number
}

/** How often each fault is drawn; a run draws its own favourites on top. */
const weights: Readonly<Record<Fault['type'], number>> = {
  kill: 10,
  crash: 8,
  powerCut: 8,
  pause: 8,
  jump: 3,
  slow: 4,
  split: 8,
  oneWay: 5,
  ring: 2,
  cut: 4,
  slowDisk: 4,
  eio: 4,
  fullDisk: 3,
  flip: 3,
  removeFolder: 3,
}

/** The faults of a run, by time: alone, in bursts, and in the combinations that hurt most. */
export function planFaults({ random, orders, others, untilMs, count }: FaultPlanOptions): PlannedFault[] {
  const favourites = { ...weights }
  for (const type of Object.keys(weights) as Fault['type'][]) favourites[type] *= random.pick([0, 1, 1, 3])
  if (Object.values(favourites).every(weight => weight === 0)) favourites.kill = 1
  const plan: PlannedFault[] = []
  let at = 0
  while (plan.length < count) {
    at = random.chance(0.4) ? at + random.between(0, 150) : random.between(0, untilMs)
    if (random.chance(0.5)) plan.push(...drawEpisode(random, at, orders, others))
    else plan.push({ at, fault: drawFault(random, random.weighted(favourites), orders, others) })
  }
  return plan.filter(planned => planned.at < untilMs).sort((a, b) => a.at - b.at)
}

function drawFault(random: Random, type: Fault['type'], orders: readonly string[], others: readonly string[]): Fault {
  const order = random.chance(0.4) ? 'leader' : random.pick(orders)
  const anyone = random.chance(0.7) ? order : random.pick(others)
  const forMs = random.chance(0.5) ? random.between(20, 400) : random.between(400, 3000)
  const downMs = random.chance(0.6) ? random.between(10, 300) : random.between(300, 2500)
  const [one, other] = twoOf(random, [...orders, ...others])
  switch (type) {
    case 'kill':
      return { type, who: anyone, downMs }
    case 'crash':
      return { type, who: anyone, calls: random.below(40), powerCut: random.chance(0.5), downMs }
    case 'powerCut':
      return { type, who: random.chance(0.4) ? 'all orders' : anyone, downMs }
    case 'pause':
      return { type, who: anyone, forMs }
    case 'jump':
      return { type, who: anyone, byMs: random.between(10, 2000) }
    case 'slow':
      return { type, who: order, times: random.between(1.2, 5), forMs }
    case 'split':
      return {
        type,
        minority: random.chance(0.7) ? [order] : twoOf(random, [...orders, ...others]),
        ordersOnly: random.chance(0.5),
        forMs,
      }
    case 'oneWay':
      return { type, from: one, to: other, forMs }
    case 'ring':
      return { type, forMs }
    case 'cut':
      return { type, one, other }
    case 'slowDisk':
      return { type, who: order, times: random.pick([10, 100, 500]), forMs }
    case 'eio':
      return { type, who: order }
    case 'fullDisk':
      return { type, who: random.chance(0.3) ? 'all orders' : order, forMs }
    case 'flip':
      return { type, who: order, place: random.next(), state: random.chance(0.2), downMs }
    case 'removeFolder':
      return { type, who: order, downMs }
  }
}

function twoOf(random: Random, names: readonly string[]): [string, string] {
  const one = random.pick(names)
  return [one, random.pick(names.filter(name => name !== one))]
}

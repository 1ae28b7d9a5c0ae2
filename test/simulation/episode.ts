import type { Fault, PlannedFault } from './fault.ts'
import type { Random } from './random.ts'

/** A combination of faults around `at` that a protocol must be sound to survive; single faults seldom meet like this. */
export function drawEpisode(
  random: Random,
  at: number,
  orders: readonly string[],
  others: readonly string[],
): PlannedFault[] {
  return random.chance(0.5) ? laggardsDecide(random, at, orders) : staleLeader(random, at, others)
}

/**
 * A minority misses what the others commit. Then it comes back, as many go away for long, and the one left between them
 * is hit so that it may have forgotten: whether anything is lost is up to that one.
 */
function laggardsDecide(random: Random, at: number, orders: readonly string[]): PlannedFault[] {
  const followers = orders.slice(1).map((_, place) => `follower-${place + 1}`)
  // Most often the leader is among those who go away: it is the one that surely knows.
  const roles = random.chance(0.7) ? [...followers, 'leader'] : ['leader', ...followers]
  const minority = Math.floor(orders.length / 2)
  const laggards = roles.slice(0, minority)
  const hit = roles[minority] as string
  const away = roles.slice(minority + 1)
  const forMs = random.between(100, 800)
  const then = at + forMs * random.between(0.8, 1.1)
  const downMs = random.between(10, 60)
  const hits: Fault[] = [
    { type: 'powerCut', who: hit, downMs },
    { type: 'powerCut', who: hit, downMs },
    { type: 'removeFolder', who: hit, downMs },
    { type: 'kill', who: hit, downMs },
    { type: 'eio', who: hit },
  ]
  return [
    { at, fault: { type: 'split', minority: laggards, ordersOnly: random.chance(0.5), forMs } },
    ...(random.chance(0.6) ? [{ at, fault: { type: 'slowDisk', who: hit, times: 100, forMs } } as const] : []),
    { at: then, fault: random.pick(hits) },
    ...away.map(who => ({ at: then, fault: { type: 'powerCut', who, downMs: random.between(800, 2500) } as const })),
  ]
}

/** The leader and one of its clients are cut off from the others, and it is too slow to notice soon. */
function staleLeader(random: Random, at: number, others: readonly string[]): PlannedFault[] {
  const forMs = random.between(400, 2000)
  const minority = ['leader', random.pick(others.filter(name => name.startsWith('frontend')))]
  return [
    { at, fault: { type: 'split', minority, ordersOnly: false, forMs } },
    { at, fault: { type: 'slow', who: 'leader', times: random.between(2, 8), forMs } },
  ]
}

import type { Hosts } from './hosts.ts'
import type { World } from './world.ts'

/** How often it looks, in ms. */
const lookMs = 10
/**
 * A majority that is well, and whose members hear each other, may be without a leader for so long: a leader that is cut
 * off takes an election timeout to notice (250 ms), its followers another, a rank and the jitter (150 ms) later; all that
 * twice, since votes may be split. In 3,600 runs with faults it never took more than 990 ms.
 */
const leaderlessMsMax = 1300
/** Where many messages are lost some elections more: 2,070 ms were the most. */
const lossyTimes = 3
/** More messages lost than this are many. */
const lossMax = 0.01

/**
 * Sees to it that the shop is never closed for long while a majority could keep it open (liveness): faults that leave
 * a majority alone must not cost more than an election.
 */
export class LeaderWatch {
  readonly #world: World
  readonly #hosts: Hosts
  readonly #limitMs: number
  readonly #majorities: readonly (readonly string[])[]
  /** When each majority was last seen in trouble. */
  readonly #troubledAt: number[]
  #ledAt = 0

  constructor(world: World, hosts: Hosts) {
    this.#world = world
    this.#hosts = hosts
    this.#limitMs = leaderlessMsMax * (world.network.quality.loss > lossMax ? lossyTimes : 1)
    this.#majorities = subsets(world.replicas, Math.floor(world.replicas.length / 2) + 1)
    this.#troubledAt = this.#majorities.map(() => 0)
  }

  /** Looks again and again, as long as the run lasts. */
  start(): void {
    this.#look()
    this.#world.scheduler.after(lookMs, () => this.start())
  }

  #look(): void {
    const { scheduler, witness } = this.#world
    const { now } = scheduler
    for (const [at, members] of this.#majorities.entries()) {
      if (!members.every(name => this.#isWell(name)) || !this.#hearEachOther(members)) this.#troubledAt[at] = now
      if (members.some(name => this.#leads(name)) && this.#hearEachOther(members)) this.#ledAt = now
    }
    const aloneSince = Math.max(this.#ledAt, Math.min(...this.#troubledAt))
    if (now - aloneSince > this.#limitMs) {
      witness.report(`liveness: no leader for ${Math.round(now - aloneSince)} ms though a majority is well`)
    }
  }

  #isWell(name: string): boolean {
    const life = this.#hosts.life(name)
    const { full, failingSyncs, slowness } = this.#hosts.health(name)
    const isQuick = life !== null && !life.paused && !life.isSlow && slowness === 1
    return isQuick && !full && failingSyncs === 0 && this.#world.probes.get(name)?.voting() === true
  }

  #leads(name: string): boolean {
    return this.#hosts.life(name)?.paused === false && this.#world.probes.get(name)?.leadership().leading === true
  }

  #hearEachOther(members: readonly string[]): boolean {
    const { network } = this.#world
    return members.every(from => members.every(to => !network.blocked(from, to)))
  }
}

function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]]
  return items.flatMap((item, at) => subsets(items.slice(at + 1), size - 1).map(rest => [item, ...rest]))
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '@bazaar/cluster'
import type { FaultKind, FaultTarget, PlannedFault } from './fault-plan.ts'
import type { Random } from './random.ts'

/** A fault that was injected. Times in ms of `performance.now`. */
export interface InjectedFault {
  fault: FaultKind
  /** As it was planned. */
  target: FaultTarget
  /** The process it befell, and for `both` the one that was paused beside. */
  names: string[]
  /** Whether the order leader was killed. */
  leaderKilled: boolean
  from: number
  /** When the process answered again. */
  to: number
}

/** What of a cluster the injector uses. */
export type FaultyCluster = Pick<Cluster, 'status' | 'kill' | 'pause' | 'resume' | 'start' | 'leader'>

/** A process that does not answer this long after its fault has not recovered. */
const recoveryTimeoutMs = 30_000
const recoveryPollMs = 50

/** Injects faults one after the other, each when the last one's process is back. */
export class FaultInjector {
  readonly #cluster: FaultyCluster
  readonly #names: readonly string[]
  readonly #random: Random
  #rolled = 0

  /** @param names the cluster's processes, in the order in which `rolling` takes them */
  constructor(cluster: FaultyCluster, names: readonly string[], random: Random) {
    this.#cluster = cluster
    this.#names = names
    this.#random = random
  }

  /** Injects one fault and resolves when its process answers again. Throws when it does not within 30 s. */
  async inject(planned: PlannedFault, onStart: (begun: InjectedFault) => void): Promise<InjectedFault> {
    const leader = await this.#cluster.leader()
    const name = this.#resolve(planned.target, leader)
    const beside = planned.fault === 'both' ? [this.#random.pick(this.#names.filter(other => other !== name))] : []
    const injected: InjectedFault = {
      fault: planned.fault,
      target: planned.target,
      names: [name, ...beside],
      leaderKilled: name === leader && planned.fault !== 'pause',
      from: performance.now(),
      to: Number.POSITIVE_INFINITY,
    }
    onStart(injected)
    if (planned.fault === 'pause') await this.#pause(name, planned.holdMs)
    else
      await Promise.all([this.#kill(name, planned.holdMs), ...beside.map(other => this.#pause(other, planned.holdMs))])
    injected.to = performance.now()
    return injected
  }

  #resolve(target: FaultTarget, leader: string): string {
    const orders = this.#names.filter(name => name.startsWith('order-'))
    if (target === 'leader') return leader
    if (target === 'follower') return this.#random.pick(orders.filter(name => name !== leader))
    if (target === 'random') return this.#random.pick(this.#names)
    if (target === 'rolling') return this.#names[this.#rolled++ % this.#names.length] as string
    return this.#random.pick(this.#names.filter(name => name.startsWith(`${target}-`)))
  }

  async #kill(name: string, holdMs: number): Promise<void> {
    await this.#cluster.kill(name, { hold: holdMs > 0 })
    if (holdMs > 0) {
      await sleep(holdMs)
      await this.#cluster.start(name)
    }
    await this.#answersAgain(name)
  }

  async #pause(name: string, holdMs: number): Promise<void> {
    await this.#cluster.pause(name)
    await sleep(holdMs)
    await this.#cluster.resume(name)
    await this.#answersAgain(name)
  }

  async #answersAgain(name: string): Promise<void> {
    const deadline = performance.now() + recoveryTimeoutMs
    for (;;) {
      const { processes } = await this.#cluster.status()
      const process = processes.find(process => process.name === name)
      // What only the process itself can tell is null while it does not answer.
      if (process?.state === 'up' && process.rssMiB !== null) return
      if (performance.now() > deadline) {
        throw new Error(`${name} is ${process?.state ?? 'gone'} ${recoveryTimeoutMs / 1000} s after its fault`)
      }
      await sleep(recoveryPollMs)
    }
  }
}

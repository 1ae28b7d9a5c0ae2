import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '@bazaar/cluster'
import type { FaultKind, FaultTarget, PlannedFault } from './fault-plan.ts'
import type { Random } from './random.ts'
import { failSystemCalls, type SystemCallFault } from './system-call-fault.ts'

/** A fault that was injected. Times in ms of `performance.now`. */
export interface InjectedFault {
  fault: FaultKind
  /** As it was planned; an `eio` planned for another process than a replica befalls the leader. */
  target: FaultTarget
  /** The process it befell, for `both` also the one that was paused beside, for `enospc` all replicas. */
  names: string[]
  /** Whether the order leader was killed. */
  leaderKilled: boolean
  from: number
  /** When the process answered again. */
  to: number
}

/** What of a cluster the injector uses. */
export type FaultyCluster = Pick<
  Cluster,
  'data' | 'status' | 'kill' | 'pause' | 'resume' | 'start' | 'leader' | 'pidOf'
>

/** A process that does not answer this long after its fault has not recovered. */
const recoveryTimeoutMs = 30_000
const recoveryPollMs = 50
/** A replica whose fdatasync fails has to crash, never to try again. */
const crashTimeoutMs = 5_000
const crashPollMs = 5

/** Injects faults one after the other, each when the last one's process is back. */
export class FaultInjector {
  readonly #cluster: FaultyCluster
  readonly #names: readonly string[]
  readonly #random: Random
  readonly #failSystemCalls: typeof failSystemCalls
  #rolled = 0

  /**
   * @param names the cluster's processes, in the order in which `rolling` takes them
   * @param fail how system calls are made to fail; tests have another way
   */
  constructor(cluster: FaultyCluster, names: readonly string[], random: Random, fail = failSystemCalls) {
    this.#cluster = cluster
    this.#names = names
    this.#random = random
    this.#failSystemCalls = fail
  }

  /** Injects one fault and resolves when its process answers again. Throws when it does not within 30 s. */
  async inject(
    { fault, target: planned, holdMs }: PlannedFault,
    onStart: (begun: InjectedFault) => void,
  ): Promise<InjectedFault> {
    const leader = await this.#cluster.leader()
    const resolved = this.#resolve(planned, leader)
    // A disk that fails must not harm what only a replica has synced; other processes may lose what they wrote.
    const target = fault === 'eio' && !isReplica(resolved) ? 'leader' : planned
    const names = this.#victims(fault, target === 'leader' ? leader : resolved)
    const [name, beside] = names as [string, string?]
    const leaderKilled = name === leader && ['kill', 'down', 'both'].includes(fault)
    const injected: InjectedFault = {
      fault,
      target,
      names,
      leaderKilled,
      from: performance.now(),
      to: Number.POSITIVE_INFINITY,
    }
    onStart(injected)
    const inflict: Record<FaultKind, () => Promise<unknown>> = {
      kill: () => this.#kill(name),
      down: () => this.#takeDown(name, holdMs),
      pause: () => this.#pause(name, holdMs),
      both: () => Promise.all([this.#takeDown(name, holdMs), this.#pause(beside as string, holdMs)]),
      eio: () => this.#failSync(name),
      enospc: () => this.#fillDisk(names, holdMs),
    }
    await inflict[fault]()
    for (const victim of names) await this.#answersAgain(victim)
    injected.to = performance.now()
    return injected
  }

  #victims(fault: FaultKind, name: string): string[] {
    if (fault === 'enospc') return this.#names.filter(isReplica)
    return fault === 'both' ? [name, this.#random.pick(this.#names.filter(other => other !== name))] : [name]
  }

  #resolve(target: FaultTarget, leader: string): string {
    if (target === 'leader') return leader
    if (target === 'follower') return this.#random.pick(this.#names.filter(name => isReplica(name) && name !== leader))
    if (target === 'random') return this.#random.pick(this.#names)
    if (target === 'rolling') return this.#names[this.#rolled++ % this.#names.length] as string
    return this.#random.pick(this.#names.filter(name => name.startsWith(`${target}-`)))
  }

  async #kill(name: string): Promise<void> {
    await this.#cluster.kill(name)
  }

  async #takeDown(name: string, holdMs: number): Promise<void> {
    await this.#cluster.kill(name, { hold: true })
    await sleep(holdMs)
    await this.#cluster.start(name)
  }

  async #pause(name: string, holdMs: number): Promise<void> {
    await this.#cluster.pause(name)
    await sleep(holdMs)
    await this.#cluster.resume(name)
  }

  async #failSync(name: string): Promise<void> {
    const pid = this.#cluster.pidOf(name)
    const fault = await this.#failSystemCallsOf(name, ['fdatasync'], 'EIO')
    const deadline = performance.now() + crashTimeoutMs
    while (this.#cluster.pidOf(name) === pid) {
      if (performance.now() > deadline)
        throw new Error(`${name} lives on ${crashTimeoutMs} ms after a failed fdatasync`)
      await sleep(crashPollMs)
    }
    await fault.end()
  }

  async #fillDisk(names: readonly string[], holdMs: number): Promise<void> {
    const writes = ['write', 'writev', 'pwrite64', 'pwritev']
    const faults = await Promise.all(names.map(name => this.#failSystemCallsOf(name, writes, 'ENOSPC')))
    await sleep(holdMs)
    await Promise.all(faults.map(fault => fault.end()))
  }

  #failSystemCallsOf(name: string, calls: readonly string[], error: 'EIO' | 'ENOSPC'): Promise<SystemCallFault> {
    const pid = this.#cluster.pidOf(name)
    if (pid === null) throw new Error(`${name} is down: its system calls cannot fail`)
    const files = ['log.jsonl', 'log.ring'].map(file => join(this.#cluster.data, name, file))
    return this.#failSystemCalls(pid, calls, error, files)
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

const isReplica = (name: string): boolean => name.startsWith('order-')

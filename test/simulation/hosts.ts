import type { DiskHealth } from './disk.ts'
import type { CrashSurvival } from './file-system.ts'
import { Life } from './life.ts'
import { folderOf } from './order-process.ts'
import type { World } from './world.ts'

/** How long the supervisor takes to start a process again that gave up, in ms. */
const giveUpDownMs = 100

/** A process that has to end takes no longer, in ms. */
const endMsMax = 50

interface Host {
  readonly name: string
  readonly start: (life: Life, health: DiskHealth, fatal: (error: Error) => void) => Promise<void> | void
  readonly health: DiskHealth
  life: Life | null
  /** Disk failures in this life: it may give up because of them. */
  failedSyncs: number
  /** When the process was last killed, paused or resumed. */
  disturbedAt: number
}

/** The processes: starts them, ends them, and starts them again as the supervisor does. */
export class Hosts {
  readonly #world: World
  readonly #hosts = new Map<string, Host>()

  constructor(world: World) {
    this.#world = world
  }

  add(name: string, start: Host['start']): void {
    const onFailedSync = (): void => this.#expectEnd(host)
    const health: DiskHealth = { full: false, failingSyncs: 0, slowness: 1, onFailedSync }
    const host: Host = { name, start, health, life: null, failedSyncs: 0, disturbedAt: 0 }
    this.#hosts.set(name, host)
  }

  get names(): string[] {
    return [...this.#hosts.keys()]
  }

  health(name: string): DiskHealth {
    return this.#host(name).health
  }

  life(name: string): Life | null {
    return this.#host(name).life
  }

  /** Whether the process ran undisturbed since `time`. */
  undisturbedSince(name: string, time: number): boolean {
    const { life, disturbedAt } = this.#host(name)
    return life !== null && !life.paused && disturbedAt < time
  }

  start(name: string): void {
    const host = this.#host(name)
    if (host.life !== null) return
    const life = new Life(name, this.#world.scheduler)
    host.life = life
    host.failedSyncs = 0
    host.disturbedAt = this.#world.scheduler.now
    this.#world.network.listen(life)
    const start = async (): Promise<void> =>
      host.start(life, host.health, error => this.#giveUp(host, life, error, false))
    void start().catch(error => this.#giveUp(host, life, error, true))
  }

  /** SIGKILL: what it wrote stays in the page cache. It is started again after `downMs`. */
  kill(name: string, downMs: number): void {
    const host = this.#host(name)
    if (host.life === null) return
    this.#world.trace.note(`${name} is killed`)
    this.#ended(host, host.life, downMs)
  }

  /** The power of its machine fails: what was not synced survives as `survival` has it. */
  powerCut(name: string, downMs: number, survival: CrashSurvival): void {
    this.kill(name, downMs)
    this.#world.files.lose(folderOf(name), survival)
  }

  /** The process dies in the n-th call to a port from now on, by `die`. */
  dieAfterCalls(name: string, calls: number, die: () => void): void {
    this.#host(name).life?.crashAfterCalls(calls, die)
  }

  pause(name: string): void {
    const host = this.#host(name)
    host.disturbedAt = this.#world.scheduler.now
    host.life?.pause()
  }

  resume(name: string): void {
    const host = this.#host(name)
    host.disturbedAt = this.#world.scheduler.now
    if (host.life?.paused) host.life.resume()
  }

  /** After a failed sync nobody knows what is on disk: the process may do nothing but end. */
  #expectEnd(host: Host): void {
    host.failedSyncs++
    const { life } = host
    life?.after(endMsMax, () => this.#world.witness.report(`${host.name} went on after a failed sync`))
  }

  /** The process ends itself. Without a reason that is a violation, whatever it says. */
  #giveUp(host: Host, life: Life, error: NodeJS.ErrnoException, starting: boolean): void {
    if (life.dead) return
    const { trace, witness } = this.#world
    trace.note(`${host.name} gives up: ${error.message}`)
    const cannotStart = starting && error.code === 'ENOSPC'
    if (host.failedSyncs === 0 && !cannotStart) witness.report(`${host.name} gave up without need: ${error.stack}`)
    this.#ended(host, life, giveUpDownMs)
  }

  #ended(host: Host, life: Life, downMs: number): void {
    host.life = null
    host.disturbedAt = this.#world.scheduler.now
    life.end()
    this.#world.scheduler.after(downMs, () => this.start(host.name))
  }

  #host(name: string): Host {
    return this.#hosts.get(name) as Host
  }
}

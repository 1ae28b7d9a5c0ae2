import type { Clock, Timer } from '@bazaar/client'
import type { Scheduled, Scheduler } from './scheduler.ts'

/**
 * One life of a process, from its start to its end. Everything that reaches the process passes through here, so a dead
 * one hears nothing, a paused one hears it later, and nothing that a dead one still computes has an effect.
 */
export class Life {
  readonly name: string
  readonly #scheduler: Scheduler
  readonly #timers = new Set<LifeTimer>()
  readonly #endings = new Set<() => void>()
  /** How many times as long as others' its milliseconds are. */
  #slowness = 1
  /** Its clock's time when the slowness was set, and the scheduler's. */
  #slowSince = { ownMs: 0, ms: 0 }
  #dead = false
  #paused = false
  #backlog: (() => void)[] = []
  #skewMs = 0
  /** Calls to a port after which the process dies; null: it lives on. */
  #callsLeft: number | null = null
  #dieByItself: () => void = () => {}

  constructor(name: string, scheduler: Scheduler) {
    this.name = name
    this.#scheduler = scheduler
  }

  get dead(): boolean {
    return this.#dead
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether its time passes more slowly than that of others. */
  get isSlow(): boolean {
    return this.#slowness > 1
  }

  /** What the process takes for the time: monotonic, but it may jump ahead. */
  readonly clock: Clock = {
    now: () => this.#now(),
    setTimer: (callback, delayMs) => this.#setTimer(callback, delayMs),
    clearTimer: timer => this.#clearTimer(timer as LifeTimer | undefined),
  }

  /** Lets the process hear of something `delayMs` from now, if it is alive then. */
  after(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, () => this.hear(run))
  }

  /** Lets the process hear of something now, or when it is resumed. */
  hear(run: () => void): void {
    if (this.#dead) return
    if (this.#paused) this.#backlog.push(run)
    else run()
  }

  /** A promise of something that happens to the process `delayMs` from now; it never settles if the process is dead then. */
  promise<T>(delayMs: number, make: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(delayMs, () => {
        try {
          resolve(make())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /**
   * To be called by every port before it does what the process asks. False: the process is dead, do nothing. It may die
   * of this very call, when `crashAfterCalls` said so.
   */
  calls(): boolean {
    if (this.#dead) return false
    if (this.#callsLeft === null || this.#callsLeft-- > 0) return true
    this.#callsLeft = null
    this.#dieByItself()
    return false
  }

  /** Dies in its n-th call to a port from now on, by `die`. */
  crashAfterCalls(calls: number, die: () => void): void {
    this.#callsLeft = calls
    this.#dieByItself = die
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const backlog = this.#backlog
    this.#backlog = []
    // One event each: promises settle in between, as they would in a process that wakes up.
    for (const run of backlog) this.after(0, run)
  }

  /** Its clock jumps ahead; timers that are overdue then fire at once. */
  jump(ms: number): void {
    this.#skewMs += ms
    for (const timer of this.#timers) this.#reschedule(timer, leftMs => leftMs - ms * this.#slowness)
  }

  /** Calls `ending` when the process ends; the result takes that back. */
  onEnd(ending: () => void): () => void {
    this.#endings.add(ending)
    return () => this.#endings.delete(ending)
  }

  end(): void {
    if (this.#dead) return
    this.#dead = true
    this.#backlog = []
    for (const timer of this.#timers) this.#scheduler.cancel(timer.scheduled)
    this.#timers.clear()
    for (const ending of this.#endings) ending()
  }

  /** Its clock runs so much slower from now on, and what it waits for by it comes so much later. */
  slowDown(slowness: number): void {
    const times = slowness / this.#slowness
    this.#slowSince = { ownMs: this.#now() - this.#skewMs, ms: this.#scheduler.now }
    this.#slowness = slowness
    for (const timer of this.#timers) this.#reschedule(timer, leftMs => leftMs * times)
  }

  #now(): number {
    const { ownMs, ms } = this.#slowSince
    return ownMs + (this.#scheduler.now - ms) / this.#slowness + this.#skewMs
  }

  #setTimer(callback: () => void, delayMs: number): Timer {
    if (this.#dead) return undefined
    const fire = (): void => {
      this.#timers.delete(timer)
      this.hear(() => {
        if (!timer.cleared) callback()
      })
    }
    const timer: LifeTimer = { scheduled: this.#scheduler.after(delayMs * this.#slowness, fire), fire, cleared: false }
    this.#timers.add(timer)
    return timer
  }

  #reschedule(timer: LifeTimer, change: (leftMs: number) => number): void {
    this.#scheduler.cancel(timer.scheduled)
    timer.scheduled = this.#scheduler.after(change(timer.scheduled.at - this.#scheduler.now), timer.fire)
  }

  #clearTimer(timer: LifeTimer | undefined): void {
    if (timer === undefined) return
    timer.cleared = true
    this.#scheduler.cancel(timer.scheduled)
    this.#timers.delete(timer)
  }
}

interface LifeTimer {
  scheduled: Scheduled
  readonly fire: () => void
  cleared: boolean
}

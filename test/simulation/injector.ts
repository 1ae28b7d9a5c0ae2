import type { Fault } from './fault.ts'
import { pageBytes } from './file.ts'
import type { CrashSurvival } from './file-system.ts'
import type { Hosts } from './hosts.ts'
import type { Life } from './life.ts'
import { folderOf, logPathOf, numberOf, statePathOf } from './order-process.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Carries faults out. */
export class Injector {
  readonly #world: World
  readonly #hosts: Hosts
  readonly #random: Random
  /** The replica whose data was destroyed and that does not vote again yet. */
  #damaged: string | null = null
  /** The replicas that vote, or did when they were seen last. A new cluster's begin without a vote. */
  readonly #voters = new Set<string>()

  constructor(world: World, hosts: Hosts, random: Random) {
    this.#world = world
    this.#hosts = hosts
    this.#random = random
  }

  inject(fault: Fault): void {
    const { trace } = this.#world
    trace.note(`fault ${JSON.stringify(fault)}`)
    switch (fault.type) {
      case 'kill':
        this.#hosts.kill(this.#who(fault.who), fault.downMs)
        break
      case 'crash':
        this.#crash(fault)
        break
      case 'powerCut':
        for (const name of this.#whom(fault.who))
          this.#hosts.powerCut(name, this.#downMs(fault.downMs), this.#survival())
        break
      case 'pause':
        this.#pause(this.#who(fault.who), fault.forMs)
        break
      case 'jump':
        this.#hosts.life(this.#who(fault.who))?.jump(fault.byMs)
        break
      case 'slow':
        this.#slow(this.#who(fault.who), fault.times, fault.forMs)
        break
      case 'cut':
        this.#world.network.cut(fault.one, fault.other)
        break
      case 'split':
      case 'oneWay':
      case 'ring':
        this.#block(fault, fault.forMs)
        break
      case 'slowDisk':
      case 'fullDisk':
        this.#ail(fault)
        break
      case 'eio':
        this.#hosts.health(this.#who(fault.who)).failingSyncs = 1
        break
      case 'flip':
      case 'removeFolder':
        this.#destroy(fault)
    }
  }

  /** Everything works again from now on. */
  heal(): void {
    this.#world.network.heal()
    for (const name of this.#hosts.names) {
      Object.assign(this.#hosts.health(name), { full: false, failingSyncs: 0, slowness: 1 })
      this.#hosts.start(name)
      const life = this.#hosts.life(name) as Life
      life.crashAfterCalls(Number.POSITIVE_INFINITY, () => {})
      life.slowDown(1)
      if (life.paused) this.#hosts.resume(name)
    }
  }

  #crash({ who, calls, powerCut, downMs }: Fault & { type: 'crash' }): void {
    const name = this.#who(who)
    this.#hosts.dieAfterCalls(name, calls, () => {
      if (powerCut) this.#hosts.powerCut(name, downMs, this.#survival())
      else this.#hosts.kill(name, downMs)
    })
  }

  /** Processes that lose power together come back one after the other. */
  #downMs(downMs: number): number {
    return this.#random.between(0.5, 1.5) * downMs
  }

  #pause(name: string, forMs: number): void {
    const life = this.#hosts.life(name)
    if (life === null || life.paused) return
    this.#hosts.pause(name)
    this.#world.scheduler.after(forMs, () => {
      if (this.#hosts.life(name) === life) this.#hosts.resume(name)
    })
  }

  #slow(name: string, times: number, forMs: number): void {
    const life = this.#hosts.life(name)
    if (life === null) return
    life.slowDown(times)
    this.#world.scheduler.after(forMs, () => {
      life.slowDown(1)
    })
  }

  #block(fault: Fault & { type: 'split' | 'oneWay' | 'ring' }, forMs: number): void {
    const { network, scheduler, replicas } = this.#world
    const pairs: [string, string][] = []
    if (fault.type === 'oneWay') pairs.push([fault.from, fault.to])
    else if (fault.type === 'ring') {
      // Each replica hears only the one before it.
      for (const [at, from] of replicas.entries()) {
        for (const to of replicas)
          if (to !== from && to !== replicas[(at + 1) % replicas.length]) pairs.push([from, to])
      }
    } else {
      const minority = fault.minority.map(name => this.#who(name))
      for (const inside of minority) {
        for (const outside of fault.ordersOnly ? this.#world.replicas : this.#hosts.names) {
          if (!minority.includes(outside)) pairs.push([inside, outside], [outside, inside])
        }
      }
    }
    for (const [from, to] of pairs) network.block(from, to)
    scheduler.after(forMs, () => network.unblock(pairs))
  }

  #ail(fault: Fault & { type: 'slowDisk' | 'fullDisk' }): void {
    const { scheduler } = this.#world
    for (const name of this.#whom(fault.who)) {
      const health = this.#hosts.health(name)
      if (fault.type === 'slowDisk') health.slowness = fault.times
      else health.full = true
      scheduler.after(fault.forMs, () => {
        if (fault.type === 'slowDisk') health.slowness = 1
        else health.full = false
      })
    }
  }

  /**
   * Destroys data that was on disk: only what a replica had noted as synced, and only while the other replicas have
   * theirs; more is not survivable.
   */
  #destroy({ type, who, downMs, ...flip }: Fault & { type: 'flip' | 'removeFolder' }): void {
    const { files, probes, trace } = this.#world
    const name = this.#who(who)
    const probe = probes.get(name)
    if (this.#damaged !== null && probes.get(this.#damaged)?.voting() === true) this.#damaged = null
    for (const [replica, { voting }] of probes) if (voting()) this.#voters.add(replica)
    if (this.#damaged !== null || probe === undefined || this.#voters.size < this.#world.replicas.length) {
      trace.note('  not now')
      return
    }
    const noted = probe.syncedBytesNoted()
    this.#hosts.kill(name, downMs)
    this.#damaged = name
    if (type === 'removeFolder') files.removeFolder(folderOf(name))
    else this.#flip(name, noted, flip as Fault & { type: 'flip' })
  }

  #flip(name: string, noted: number, { place, state }: Fault & { type: 'flip' }): void {
    const file = this.#world.files.find(state ? statePathOf(name) : logPathOf(name))
    const length = state ? (file?.size ?? 0) : noted
    if (length > 0) file?.flip(Math.floor(place * length), Math.floor(place * 1000) % 8)
  }

  #who(name: string): string {
    const { replicas } = this.#world
    if (name === 'leader') return this.#leader()
    if (!name.startsWith('follower-')) return name
    return replicas.filter(replica => replica !== this.#leader())[numberOf(name) - 1] as string
  }

  #leader(): string {
    const { probes, replicas } = this.#world
    let leader = replicas.at(-1) as string
    let term = -1
    for (const replica of replicas) {
      const leadership = probes.get(replica)?.leadership()
      if (leadership?.leading && leadership.term > term) {
        leader = replica
        term = leadership.term
      }
    }
    return leader
  }

  #whom(name: string): readonly string[] {
    return name === 'all orders' ? this.#world.replicas : [this.#who(name)]
  }

  /** A power cut of its own kind: some keep nearly all, some nearly nothing, some anything. */
  #survival(): CrashSurvival {
    const random = this.#random
    const kept = random.pick([0, 0.5, 1])
    return {
      page: () => (random.chance(0.2) ? random.below(pageBytes + 1) : random.chance(kept) ? pageBytes : 0),
      length: (onDisk, last) => {
        const draw = random.next()
        return draw < 0.4 ? onDisk : draw < 0.8 ? last : Math.round(onDisk + random.next() * (last - onDisk))
      },
      names: pending => random.below(pending + 1),
    }
  }
}

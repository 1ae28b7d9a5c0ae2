import type { Fault } from './fault.ts'
import { pageBytes } from './file.ts'
import type { CrashSurvival } from './file-system.ts'
import type { Hosts } from './hosts.ts'
import { folderOf, logPathOf, statePathOf } from './order-process.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Carries faults out. */
export class Injector {
  readonly #world: World
  readonly #hosts: Hosts
  readonly #random: Random
  /** The replica whose data was destroyed and that has not got it back yet. One at a time: more is not survivable. */
  #damaged: string | null = null

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
        this.#hosts.kill(this.#who(fault.who))
        break
      case 'crash':
        this.#crash(this.#who(fault.who), fault.calls, fault.powerCut)
        break
      case 'powerCut':
        for (const name of this.#whom(fault.who)) this.#hosts.powerCut(name, this.#survival())
        break
      case 'pause':
        this.#pause(this.#who(fault.who), fault.forMs)
        break
      case 'jump':
        this.#hosts.life(this.#who(fault.who))?.jump(fault.byMs)
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
      this.#hosts.life(name)?.crashAfterCalls(Number.POSITIVE_INFINITY, () => {})
      if (this.#hosts.life(name)?.paused) this.#hosts.resume(name)
    }
  }

  #crash(name: string, calls: number, powerCut: boolean): void {
    this.#hosts.dieAfterCalls(name, calls, () => {
      if (powerCut) this.#hosts.powerCut(name, this.#survival())
      else this.#hosts.kill(name)
    })
  }

  #pause(name: string, forMs: number): void {
    const life = this.#hosts.life(name)
    if (life === null || life.paused) return
    this.#hosts.pause(name)
    this.#world.scheduler.after(forMs, () => {
      if (this.#hosts.life(name) === life) this.#hosts.resume(name)
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
        for (const outside of this.#hosts.names) {
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

  /** Destroys data that was on disk; only what a replica had noted as synced, and only while the others have theirs. */
  #destroy(fault: Fault & { type: 'flip' | 'removeFolder' }): void {
    const { files, probes, trace } = this.#world
    const name = this.#who(fault.who)
    this.#forgetDamage()
    const others = this.#world.replicas.filter(other => other !== name)
    if (this.#damaged !== null || !others.every(other => this.#whole(other))) {
      trace.note('  not now')
      return
    }
    if (fault.type === 'removeFolder') {
      this.#hosts.kill(name)
      files.removeFolder(folderOf(name))
    } else {
      const file = files.find(fault.state ? statePathOf(name) : logPathOf(name))
      const length = fault.state ? (file?.size ?? 0) : (probes.get(name)?.syncedBytesNoted() ?? 0)
      if (file === null || length === 0) return
      file.flip(Math.floor(fault.place * length), Math.floor(fault.place * 1000) % 8)
      this.#hosts.kill(name)
    }
    this.#damaged = name
  }

  #forgetDamage(): void {
    if (this.#damaged !== null && this.#whole(this.#damaged)) this.#damaged = null
  }

  /** Runs, votes, and has everything that anyone committed. */
  #whole(name: string): boolean {
    const probe = this.#world.probes.get(name)
    return (
      this.#hosts.life(name) !== null && probe?.voting() === true && probe.durable() >= this.#world.witness.lines.length
    )
  }

  #who(name: string): string {
    if (name !== 'leader') return name
    const { probes, replicas } = this.#world
    let leader = replicas[0] as string
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

import { startCatalogProcess } from './catalog-process.ts'
import { checkAll } from './checks.ts'
import { type PlannedFault, planFaults } from './fault.ts'
import { startFrontendProcess } from './frontend-process.ts'
import { History } from './history.ts'
import { Hosts } from './hosts.ts'
import { Injector } from './injector.ts'
import { LeaderWatch } from './leader-watch.ts'
import { Life } from './life.ts'
import { startOrderProcess } from './order-process.ts'
import type { PlantedBug } from './planted-bug.ts'
import { drawProfile, type Profile } from './profile.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { Shopper } from './shopper.ts'
import { Trace } from './trace.ts'
import { Violation } from './witness.ts'
import { newWorld, type World } from './world.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly bug?: PlantedBug
  /** In place of the faults that the seed draws. */
  readonly plan?: readonly PlannedFault[]
  /** Traces every message between replicas. */
  readonly withMessages?: boolean
}

export interface Outcome {
  readonly seed: number
  /** What was broken, or null. */
  readonly violation: string | null
  readonly plan: readonly PlannedFault[]
  readonly trace: readonly string[]
  /** Of all that happened: equal for two runs of one seed. */
  readonly digest: string
  readonly events: number
  readonly operations: number
  readonly orders: number
}

/** How long the system may take to start, and to settle after the last fault, in ms. */
const settleMsMax = 30_000
const lookMs = 20

/** One run: a shop opens, customers come, things go wrong, all is repaired, everything is checked. */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const run = new Run(options)
  const onRejection = (error: unknown): void => run.world.witness.report(`unhandled: ${(error as Error).stack}`)
  process.on('unhandledRejection', onRejection)
  try {
    await run.perform()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    run.world.witness.report(error.message)
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  const { world, history, plan } = run
  const { violation, lines } = world.witness
  if (violation !== null) world.trace.note(`violation ${violation.message}`)
  return {
    seed: options.seed,
    violation: violation?.message ?? null,
    plan,
    trace: world.trace.lines,
    digest: world.trace.digest,
    events: world.scheduler.events,
    operations: history.operations.length + history.lookups.length,
    orders: lines.filter(line => line.includes('"number":')).length,
  }
}

class Run {
  readonly world: World
  readonly history: History
  readonly plan: readonly PlannedFault[]
  readonly #profile: Profile
  readonly #random: Random
  readonly #hosts: Hosts
  readonly #injector: Injector
  readonly #frontends: readonly string[]

  constructor({ seed, plan, bug = {}, withMessages = false }: SimulationOptions) {
    const random = new Random(seed)
    const profile = drawProfile(random.fork('profile'))
    const scheduler = new Scheduler()
    const trace = new Trace(() => scheduler.now, withMessages)
    this.#random = random
    this.#profile = profile
    this.#frontends = Array.from({ length: profile.frontends }, (_, at) => `frontend-${at + 1}`)
    this.world = newWorld({ ...profile, scheduler, random, trace })
    this.history = new History(() => scheduler.now)
    this.#hosts = new Hosts(this.world)
    this.#injector = new Injector(this.world, this.#hosts, random.fork('injector'))
    const { replicas: orders, catalogNames } = this.world
    const others = [...catalogNames, ...this.#frontends]
    const { loadMs: untilMs, faults: count } = profile
    this.plan = plan ?? planFaults({ random: random.fork('faults'), orders, others, untilMs, count })
    this.#addProcesses(bug)
    trace.note(`seed ${seed}: ${JSON.stringify(profile)}`)
  }

  async perform(): Promise<void> {
    for (const name of this.#hosts.names) this.#hosts.start(name)
    await this.#until('the shop opens', () => this.world.witness.lines.some(line => line.includes('"seeded"')))
    new LeaderWatch(this.world, this.#hosts).start()
    await this.#fillLog()
    const shoppers = this.#sendShoppers()
    await this.#bringTrouble()
    for (const shopper of shoppers) shopper.stop()
    await this.#until('every customer is served', () => shoppers.every(({ gone }) => gone))
    await this.#until('the replicas agree', () => this.#settled())
    await this.#inspect()
    await this.#until('the replicas agree again', () => this.#settled())
    checkAll(this.world, this.history, this.#profile.products)
  }

  #addProcesses(bug: PlantedBug): void {
    const { world, history } = this
    const { products, restockMs, cacheEntriesMax } = this.#profile
    for (const name of world.replicas) {
      this.#hosts.add(name, (life, health, fatal) => startOrderProcess({ world, life, health, bug, fatal }))
    }
    for (const name of world.catalogNames) {
      this.#hosts.add(name, (life, health, fatal) =>
        startCatalogProcess({ world, history, life, health, products, restockMs, fatal }),
      )
    }
    for (const name of this.#frontends) {
      this.#hosts.add(name, (life, _, fatal) => startFrontendProcess({ world, life, cacheEntriesMax, bug, fatal }))
    }
  }

  async #fillLog(): Promise<void> {
    const leader = this.world.replicas.find(name => this.world.probes.get(name)?.leadership().leading)
    const { entriesBefore } = this.#profile
    if (entriesBefore === 0 || leader === undefined) return
    let done = false
    const filled = async (): Promise<void> => {
      await this.#newShopper('owner').stockUp(leader, entriesBefore)
      done = true
    }
    void filled()
    await this.#until('the log is filled', () => done)
  }

  #sendShoppers(): Shopper[] {
    return Array.from({ length: this.#profile.shoppers }, (_, at) => {
      const shopper = this.#newShopper(`client-${at + 1}`)
      void shopper.run()
      return shopper
    })
  }

  #newShopper(name: string): Shopper {
    const { world, history } = this
    const { products, thinkMs, sells, habits } = this.#profile
    return new Shopper({
      world,
      life: new Life(name, world.scheduler),
      random: this.#random.fork(name),
      history,
      productNames: products.map(product => product.name),
      frontends: this.#frontends,
      thinkMs,
      sells,
      habits,
      onSilence: (frontend, since) => {
        if (this.#hosts.undisturbedSince(frontend, since)) world.witness.report(`${frontend} gave no answer in time`)
      },
    })
  }

  async #bringTrouble(): Promise<void> {
    const { scheduler } = this.world
    const start = scheduler.now
    for (const { at, fault } of this.plan) {
      await this.#run(start + at)
      this.#injector.inject(fault)
    }
    await this.#run(start + this.#profile.loadMs)
    this.#injector.heal()
    this.world.trace.note('all is well again')
  }

  /** Each front-end still takes orders, every order can be read back, and look-ups show the stock. */
  async #inspect(): Promise<void> {
    const { world } = this
    const inspector = this.#newShopper('inspector')
    let failed: string | null = null
    let done = false
    const inspect = async (): Promise<void> => {
      for (const [at, { name }] of this.#profile.products.entries()) {
        const command = { type: 'sell' as const, key: `inspector-${at}`, name, quantity: 1 }
        if (!(await inspector.order(command))) failed = `selling ${name} back`
        for (const frontend of this.#frontends)
          if (!(await inspector.lookUp(name, frontend))) failed = `a look-up of ${name}`
      }
      const orders = world.witness.lines.filter(line => line.includes('"number":')).length
      await Promise.all(Array.from({ length: orders + 1 }, (_, at) => inspector.query(at + 1)))
      done = true
    }
    void inspect()
    await this.#until('everything is looked at', () => done)
    if (failed !== null) throw new Violation(`liveness: ${failed} failed although all is well`)
  }

  /** Every process runs, one replica leads, and all of them vote and have applied all there is. */
  #settled(): boolean {
    const { probes, replicas, witness } = this.world
    const running = replicas.map(name => probes.get(name))
    return (
      this.#hosts.names.every(name => this.#hosts.life(name) !== null) &&
      running.filter(probe => probe?.leadership().leading).length === 1 &&
      running.every(probe => {
        if (probe === undefined || !probe.voting()) return false
        const { length } = witness.lines
        return probe.lastIndex() === length && probe.appliedIndex() === length && probe.durable() === length
      })
    )
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const { scheduler } = this.world
    const deadline = scheduler.now + settleMsMax
    while (!condition()) {
      if (scheduler.now >= deadline) throw new Violation(`liveness: ${settleMsMax} ms were not enough until ${what}`)
      await this.#run(scheduler.now + lookMs)
    }
  }

  async #run(until: number): Promise<void> {
    const { scheduler, witness } = this.world
    await scheduler.run(until, () => witness.violation !== null)
    if (witness.violation !== null) throw witness.violation
  }
}

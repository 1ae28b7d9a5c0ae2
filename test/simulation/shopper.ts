import { BazaarError, type Command, commandsPerRequestMax, type ErrorReason, type Order } from '@bazaar/client'
import type { OrderAttempt, OrderQuery, Refusal } from '@bazaar/linearizability'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Every request ends within the front-end's order deadline plus a second. */
const answerMsMax = 11_000
/** A little more than that, so that a late answer is told from none. */
const patienceMs = 12_000

/** Errors that leave open what became of a request, or may become of it. */
const retryable: ReadonlySet<string> = new Set<ErrorReason>(['NO_QUORUM', 'OVERLOADED'])
/** Errors that the contract has for what a shopper asks; any other is a violation. */
const expected: ReadonlySet<string> = new Set<ErrorReason>(['OUT_OF_STOCK', 'KEY_REUSED', 'NO_QUORUM', 'OVERLOADED'])

type OrderCommand = Command & { type: 'buy' | 'sell' }

/** Weights. `repeat`: an order with its key once more; `reuse`: the key with another order; `change`: stock or price. */
export type Habits = Readonly<Record<'order' | 'repeat' | 'reuse' | 'change' | 'lookup' | 'list' | 'query', number>>

export interface ShopperOptions {
  readonly world: World
  readonly life: Life
  readonly random: Random
  readonly history: History
  readonly productNames: readonly string[]
  readonly frontends: readonly string[]
  /** How often it does what. */
  readonly habits: Habits
  /** Share of its orders that sell. */
  readonly sells: number
  /** Milliseconds between two requests, on average. */
  readonly thinkMs: number
  /** A request got no answer in time. */
  readonly onSilence: (frontend: string, sinceMs: number) => void
}

/** A customer: looks products up, buys and sells, repeats what failed with the same key, reads orders back. */
export class Shopper {
  readonly #options: ShopperOptions
  /** Orders that it has tried to place, and when first. */
  readonly #placed = new Map<OrderCommand, number>()
  readonly #acknowledged: OrderCommand[] = []
  #keys = 0
  #stopped = false
  /** True once it has left the shop: nothing of its is under way. */
  gone = false

  constructor(options: ShopperOptions) {
    this.#options = options
  }

  /** Finishes what is under way and leaves. */
  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    const { life, random, thinkMs } = this.#options
    while (!this.#stopped) {
      await life.promise(-Math.log(1 - random.next()) * thinkMs, () => undefined)
      await this.#act()
    }
    this.gone = true
  }

  async #act(): Promise<void> {
    const { random, productNames } = this.#options
    const draw = random.weighted(this.#options.habits)
    if (draw === 'lookup') return void (await this.lookUp(random.pick(productNames)))
    if (draw === 'list') return this.#list()
    if (draw === 'change') return this.#change()
    if (draw === 'reuse') return this.#reuse()
    if (draw === 'query') return this.query(this.#numberToAskFor())
    if (draw === 'repeat' && this.#placed.size > 0) return this.#place(random.pick([...this.#placed.keys()]))
    return this.#place(this.#newCommand())
  }

  /** Any number up to a little more than there are, but mostly a recent one. */
  #numberToAskFor(): number {
    const { random, history } = this.#options
    const next = history.lastNumber + 2
    return random.chance(0.5) ? 1 + random.below(next) : Math.max(1, next - random.below(6))
  }

  #newCommand(): OrderCommand {
    const { random, productNames, life, sells } = this.#options
    const command: OrderCommand = {
      type: random.chance(sells) ? 'sell' : 'buy',
      key: `${life.name}-${++this.#keys}`,
      name: random.pick(productNames),
      quantity: 1 + random.below(4),
    }
    return command
  }

  /** Places the order; without an answer tries again a few times, with the same key, at any front-end. */
  async #place(command: OrderCommand): Promise<void> {
    const { random } = this.#options
    for (let attempt = 0; attempt < 4; attempt++) {
      if (await this.order(command)) return
      if (random.chance(0.2)) return
    }
  }

  /** One attempt to place an order; false: its fate is open. */
  async order(command: OrderCommand): Promise<boolean> {
    const { history, world, life } = this.#options
    const { type: side, key, name, quantity } = command
    const what = `${side} ${quantity} ${name} (${key})`
    const frontend = this.#frontend()
    const recorded = history.begin<OrderAttempt>({ type: 'order', client: life.name, key, name, side, quantity })
    const invoked = this.#placed.get(command) ?? world.scheduler.now
    this.#placed.set(command, invoked)
    const answer = await this.#ask(frontend, what, () =>
      world.frontends.call(life, frontend, patienceMs, async service => {
        return { order: (await service.submit(command)).order as Order }
      }),
    )
    if (answer instanceof BazaarError) {
      if (retryable.has(answer.reason)) return false
      recorded.answer({ refused: answer.reason as Refusal })
      return true
    }
    if (answer === null) return false
    recorded.answer(answer)
    this.#acknowledged.push(command)
    const { number } = answer.order
    history.acknowledgements.push({ frontend, name, number, invoked, returned: world.scheduler.now })
    return true
  }

  /** Adds stock or changes a price, as the shop's owner does. */
  async #change(): Promise<void> {
    const { random, productNames, history, world, life } = this.#options
    const name = random.pick(productNames)
    const key = `${life.name}-${++this.#keys}`
    const command: Command = random.chance(0.5)
      ? { type: 'stock', key, name, quantity: 1 + random.below(5) }
      : { type: 'product', key, name, price: 1 + random.below(100) }
    const frontend = this.#frontend()
    history.change(key)
    const answer = await this.#ask(frontend, `${command.type} ${name} (${key})`, () =>
      world.frontends.call(life, frontend, patienceMs, service => service.submit(command)),
    )
    if (answer !== null && !(answer instanceof BazaarError)) history.change(key, answer.index)
  }

  /** Fills the log before anything else happens: adds one to the stock, so many times, at the leader itself. */
  async stockUp(leader: string, times: number): Promise<void> {
    const { productNames, history, world, life } = this.#options
    for (let left = times; left > 0; left -= commandsPerRequestMax) {
      const commands = Array.from({ length: Math.min(left, commandsPerRequestMax) }, (_, at) => {
        const name = productNames[at % productNames.length] as string
        return { type: 'stock' as const, key: `${life.name}-${left - at}`, name, quantity: 1 }
      })
      await world.orders.call(life, leader, patienceMs, service => service.execute(commands))
      for (const { name } of commands) history.stockedBefore.set(name, (history.stockedBefore.get(name) ?? 0) + 1)
    }
  }

  /** The key of an order that was acknowledged, with another order: never accepted (I2). */
  async #reuse(): Promise<void> {
    const { random, world, life } = this.#options
    if (this.#acknowledged.length === 0) return
    const command = random.pick(this.#acknowledged)
    const other = { ...command, quantity: command.quantity + 1 }
    const frontend = this.#frontend()
    const answer = await this.#ask(frontend, `another order with the key ${command.key}`, () =>
      world.frontends.call(life, frontend, patienceMs, service => service.submit(other)),
    )
    const fits = answer === null || (answer instanceof BazaarError && retryable.has(answer.reason))
    if (fits || (answer instanceof BazaarError && answer.reason === 'KEY_REUSED')) return
    world.witness.report(`I2: key ${command.key} was used again with another order: ${JSON.stringify(answer)}`)
  }

  async #list(): Promise<void> {
    const { history, world, life, productNames } = this.#options
    const frontend = this.#frontend()
    const invoked = world.scheduler.now
    const answer = await this.#ask(frontend, 'all products?', () =>
      world.frontends.call(life, frontend, patienceMs, service => service.products()),
    )
    if (answer === null || answer instanceof BazaarError) return
    const returned = world.scheduler.now
    for (const name of productNames) {
      const product = answer.find(each => each.name === name) ?? null
      history.lookups.push({ frontend, name, invoked, returned, product })
    }
  }

  async query(number: number): Promise<void> {
    const { history, world, life } = this.#options
    const frontend = this.#frontend()
    const recorded = history.begin<OrderQuery>({ type: 'query', client: life.name, number })
    const answer = await this.#ask(frontend, `order ${number}?`, () =>
      world.frontends.call(life, frontend, patienceMs, async service => ({ order: await service.order(number) })),
    )
    if (answer !== null && !(answer instanceof BazaarError)) recorded.answer(answer)
  }

  async lookUp(name: string, frontend = this.#frontend()): Promise<boolean> {
    const { history, world, life } = this.#options
    const invoked = world.scheduler.now
    const answer = await this.#ask(frontend, `${name}?`, () =>
      world.frontends.call(life, frontend, patienceMs, async service => ({ product: await service.product(name) })),
    )
    if (answer === null || answer instanceof BazaarError) return false
    history.lookups.push({ frontend, name, invoked, returned: world.scheduler.now, product: answer.product })
    return true
  }

  #frontend(): string {
    return this.#options.random.pick(this.#options.frontends)
  }

  /** The answer, an error of the contract, or null when the connection failed. */
  async #ask<T>(frontend: string, what: string, request: () => Promise<T>): Promise<T | BazaarError | null> {
    const { world, life, onSilence } = this.#options
    const since = world.scheduler.now
    const told = (result: string): void => world.trace.note(`${life.name} at ${frontend}: ${what} → ${result}`)
    try {
      const answer = await request()
      told(JSON.stringify(answer))
      return answer
    } catch (error) {
      told(String(error))
      if (!(error instanceof BazaarError)) return null
      if (!expected.has(error.reason))
        world.witness.report(`${frontend} answered ${what} with ${error.reason}: ${error}`)
      return error
    } finally {
      if (world.scheduler.now - since > answerMsMax) onSilence(frontend, since)
    }
  }
}

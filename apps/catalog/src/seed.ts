import { type Clock, type Command, type CommandResult, commandsPerRequestMax, sleep } from '@bazaar/client'
import type { Catalog } from './catalog.ts'
import { commandKey } from './command-key.ts'
import type { Commands } from './commands.ts'
import type { InitialProduct } from './default-products.ts'
import { expectFailure } from './replica.ts'

/** The pause between two attempts, in ms, doubles from the first to the second. */
const retryMinMs = 20
const retryMaxMs = 1_000
const seededKey = commandKey('seeded', 'products')

/**
 * Puts the initial products into a log that has never had them, and an entry `seeded` behind them. Every command has a
 * key made of what it does, so several catalogs may seed at once, and one that was interrupted begins again.
 */
export class Seed {
  readonly #catalog: Catalog
  readonly #commands: Pick<Commands, 'execute'>
  readonly #clock: Clock
  readonly #products: readonly Required<InitialProduct>[]
  readonly #stopped = new AbortController()
  #running = false

  /** `products` with the quantities they begin with. */
  constructor(
    catalog: Catalog,
    commands: Pick<Commands, 'execute'>,
    clock: Clock,
    products: readonly Required<InitialProduct>[],
  ) {
    this.#catalog = catalog
    this.#commands = commands
    this.#clock = clock
    this.#products = products
  }

  /** Call it whenever the catalog has caught up. Retries until the log is seeded, by this catalog or another. */
  async run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    let retryMs = retryMinMs
    while (!this.#catalog.products.seeded && !this.#stopped.signal.aborted && !(await this.#attempt())) {
      await sleep(this.#clock, retryMs, this.#stopped.signal)
      retryMs = Math.min(retryMaxMs, 2 * retryMs)
    }
    this.#running = false
  }

  /** Ends the retries. */
  stop(): void {
    this.#stopped.abort()
  }

  async #attempt(): Promise<boolean> {
    try {
      for (let at = 0; at < this.#products.length; at += commandsPerRequestMax) {
        const slice = this.#products.slice(at, at + commandsPerRequestMax).map(toCommand)
        if (!(await this.#commands.execute(slice)).every(isDone)) return false
      }
      const results = await this.#commands.execute([{ type: 'seeded', key: seededKey }])
      return results.every(isDone)
    } catch (error) {
      expectFailure(error)
      return false
    }
  }
}

function toCommand({ name, price, quantity }: Required<InitialProduct>): Command {
  return { type: 'product', key: commandKey('seed', name), name, price, quantity }
}

/** A key used before means that a catalog with another list of products has made this one already. */
function isDone({ error }: CommandResult): boolean {
  return error === undefined || error.reason === 'KEY_REUSED'
}

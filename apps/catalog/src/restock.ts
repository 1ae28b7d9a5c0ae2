import { type Clock, type Command, commandsPerRequestMax, type Product, type Timer } from '@bazaar/client'
import type { Catalog } from './catalog.ts'
import { commandKey } from './command-key.ts'
import type { Commands } from './commands.ts'
import { expectFailure } from './replica.ts'

/**
 * The units that a product is brought back to: as many as it began with, `usual` where it began with none or came later.
 */
export function restockLevels(initial: readonly Product[], usual: number): (name: string) => number {
  const levels = new Map(initial.map(({ name, quantity }) => [name, quantity]))
  return name => levels.get(name) || usual
}

/**
 * Brings products that are out of stock back to their level, every interval. A command's key names the log entry that
 * took the last unit: however many catalogs try, and however often, that emptiness is filled once. What fails is tried
 * again at the next interval; while one round is under way, the next one is left out.
 */
export class Restock {
  readonly #catalog: Catalog
  readonly #commands: Pick<Commands, 'execute'>
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #levelOf: (name: string) => number
  #timer: Timer | null = null
  #underWay = false

  /** `levelOf` a product is in units; a level of 0 leaves it empty. */
  constructor(
    catalog: Catalog,
    commands: Pick<Commands, 'execute'>,
    clock: Clock,
    { intervalMs, levelOf }: { intervalMs: number; levelOf: (name: string) => number },
  ) {
    this.#catalog = catalog
    this.#commands = commands
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#levelOf = levelOf
  }

  start(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.start()
      if (this.#catalog.ready && !this.#underWay) void this.#round()
    }, this.#intervalMs)
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer)
    this.#timer = null
  }

  async #round(): Promise<void> {
    this.#underWay = true
    const commands: Command[] = []
    for (const { name, quantity, index } of this.#catalog.products.all()) {
      const level = quantity === 0 ? this.#levelOf(name) : 0
      if (level > 0)
        commands.push({ type: 'restock', key: commandKey(`restock:${index}`, name), name, quantity: level })
    }
    for (let at = 0; at < commands.length; at += commandsPerRequestMax) {
      // Whatever one result says, the next interval looks at the stock itself.
      await this.#commands.execute(commands.slice(at, at + commandsPerRequestMax)).catch(expectFailure)
    }
    this.#underWay = false
  }
}

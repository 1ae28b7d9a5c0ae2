import { BazaarError, type Clock, LineCursor, type Lookup, type Product, type Reading } from '@bazaar/client'
import type { ChangeFeed } from './change-feed.ts'
import type { Products } from './products.ts'
import { Waiters } from './waiters.ts'

/** What has to be applied before the catalog knows at least what it may have shown before it was restarted. */
export interface CatchUp {
  index: number
  term: number
}

/**
 * The products as look-ups may see them: the fold, who waits for it, who hears of its changes, and whether it has caught
 * up since this process started.
 */
export class Catalog {
  readonly products: Products
  readonly feed: ChangeFeed
  readonly #waiters: Waiters
  #catchUp: CatchUp | null = null
  #ready = false
  /** Called each time the catalog becomes ready. */
  onReady: () => void = () => {}

  constructor(products: Products, feed: ChangeFeed, clock: Clock) {
    this.products = products
    this.feed = feed
    this.#waiters = new Waiters(clock)
  }

  /** Whether look-ups are answered at all. */
  get ready(): boolean {
    return this.#ready
  }

  /** How many look-ups wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /** Resolves once a look-up may be answered that must see the log up to `index`; throws as `lookUp` does. */
  async #reached(index: number): Promise<void> {
    if (this.#ready && this.products.appliedIndex >= index) return
    if (await this.#waiters.wait(index)) return
    const state = this.#ready ? `has applied index ${this.products.appliedIndex}` : 'is still catching up with the log'
    throw new BazaarError('NO_QUORUM', `the catalog ${state}; a look-up needs index ${index}`)
  }

  /**
   * The product, or null when there is none, once a look-up may be answered that must see the log up to `index`.
   *
   * @throws BazaarError `NO_QUORUM` when that takes too long, `OVERLOADED` when too many wait already
   */
  async lookUp({ name, index }: Lookup): Promise<Reading<Product | null>> {
    await this.#reached(index)
    return { index: this.products.appliedIndex, data: this.products.product(name) }
  }

  /** As `lookUp`, for all products; `data` is JSON text. */
  async list(index: number): Promise<Reading<string>> {
    await this.#reached(index)
    return { index: this.products.appliedIndex, data: this.products.listJSON() }
  }

  /**
   * Folds lines of the log, tells the subscribers and lets waiting look-ups go on. An empty line is a heartbeat.
   *
   * @throws CorruptLineError, OtherLogError; the lines before it are applied
   */
  apply(lines: Buffer): void {
    const changed = new Set<string>()
    const line = new LineCursor(lines)
    try {
      while (line.next()) {
        if (line.isEmpty) continue
        const name = this.products.apply(line)
        if (name !== null) changed.add(name)
      }
    } finally {
      this.feed.publish(changed, this.products)
      this.#advance()
    }
  }

  /** Sets what has to be applied before look-ups are answered. Only the first goal after the start counts. */
  catchUpTo(goal: CatchUp): void {
    if (this.#ready || this.#catchUp !== null) return
    this.#catchUp = goal
    this.#advance()
  }

  #advance(): void {
    const { appliedIndex, appliedTerm } = this.products
    const goal = this.#catchUp
    const caughtUp = goal !== null && appliedIndex >= goal.index && appliedTerm >= goal.term
    if (caughtUp) this.#catchUp = null
    if (caughtUp && !this.#ready) {
      this.#ready = true
      this.onReady()
    }
    if (this.#ready) this.#waiters.advance(appliedIndex)
  }

  /** Forgets everything: the log that it was made of is gone. Subscribers have to begin anew too. */
  reset(): void {
    this.products.reset()
    this.#ready = false
    this.#catchUp = null
    this.feed.closeAll()
  }

  /** Ends all waiting and all subscriptions, so that the process can stop. */
  stop(): void {
    this.#waiters.giveUp()
    this.feed.stop()
  }
}

import { type Accepted, BazaarError, type Change, type Clock, type Command, type Product, sleep } from '@bazaar/client'
import { LRUCache } from 'lru-cache'
import type { Catalogs } from './catalogs.ts'
import { ProductState } from './product-state.ts'
import { ShownProducts } from './shown-products.ts'

export interface CacheLimits {
  /** Products kept; 0 keeps none. */
  entriesMax: number
  /** A feed that is silent for so long may have missed a change, so nothing is served from the cache. */
  feedTimeoutMs: number
  /** Look-ups on their way to a catalog, or that wait until the cache is opened; more are refused with OVERLOADED. */
  fetchesMax: number
}

export const cacheLimits: CacheLimits = { entriesMax: 10, feedTimeoutMs: 500, fetchesMax: 4096 }

/** How often a look-up that came before the cache was opened checks whether it is. */
const openPauseMs = 20

/** One product on its way from a catalog, for all who wait for it. */
export interface Fetch {
  /** The answer is at least this new. */
  readonly minIndex: number
  /** Somebody has heard of a change at this index since: an older answer is for those who wait already, not to keep. */
  floor: number
  answer: Promise<string | null>
}

/**
 * Look-ups (I7 in DESIGN.md): never older than what this front-end has shown or acknowledged before, from a bounded LRU
 * where possible. Everything is compared by log index, so an answer, a change and an order can overtake each other:
 *
 * - A miss asks the catalog for the product at an index at least as high as any at which this front-end has shown it or
 *   heard of it. The rest of the log does not matter, so an order of one product makes no look-up of another wait.
 * - An order that passes through brings what is left of the product, which is kept like a look-up's answer. A catalog hears
 *   of it some milliseconds later; a miss does not wait for that, but takes the newer of the order's answer and its own.
 * - A change drops an entry that is older than itself. While the product is on its way, it raises the fetch's `floor`
 *   instead: what comes back older is served but not kept (the lease of "Scaling Memcache at Facebook", 3.2.1).
 * - Entries are kept only while a catalog's feed brings every change after them; without it, the cache is empty.
 */
export class Cache {
  readonly #catalogs: Catalogs
  readonly #clock: Clock
  readonly #limits: CacheLimits
  readonly #entries: LRUCache<string, ProductState>
  readonly #fetches = new Map<string, Fetch>()
  #fetching = 0
  readonly #shown = new ShownProducts()
  #open = false
  /** The feed brings every change after this index; null while it is down. */
  #feedFrom: number | null = null
  /** The clock's time at which the feed's last line is too old. */
  #feedValidUntil = Number.NEGATIVE_INFINITY
  hits = 0
  misses = 0

  constructor(catalogs: Catalogs, clock: Clock, limits?: Partial<CacheLimits>) {
    this.#catalogs = catalogs
    this.#clock = clock
    this.#limits = { ...cacheLimits, ...limits }
    this.#entries = new LRUCache({ max: Math.max(1, this.#limits.entriesMax) })
  }

  /**
   * Starts answering: every order acknowledged before this process started has an index up to `index`. Until then
   * look-ups wait, because a restarted front-end does not know what it has shown before.
   */
  open(index: number): void {
    this.#shown.showAll(index)
    this.#open = true
  }

  get isOpen(): boolean {
    return this.#open
  }

  get entries(): number {
    return this.#entries.size
  }

  get entriesMax(): number {
    return this.#limits.entriesMax
  }

  get isFed(): boolean {
    return this.#feedFrom !== null && this.#clock.now() < this.#feedValidUntil
  }

  /** The prepared answer, or undefined when the product has to be fetched. */
  get(name: string): string | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined || this.#clock.now() >= this.#feedValidUntil) {
      this.misses++
      return undefined
    }
    this.hits++
    return entry.json
  }

  /**
   * The prepared answer from a catalog, or null when there is no such product.
   *
   * @throws BazaarError OVERLOADED; NO_QUORUM when no catalog answers in time
   */
  async fetch(name: string): Promise<string | null> {
    const deadline = this.#catalogs.deadline()
    if (!this.#open) await this.#limited(() => this.#opened(deadline))
    // No await from here to the fetch's entry in the map, or a change in between would not raise its floor.
    const minIndex = this.#shown.indexOf(name)
    const current = this.#fetches.get(name)
    // Whoever comes after a change cannot wait for an answer that may be from before it.
    if (current !== undefined && current.floor <= current.minIndex) return current.answer
    const fetch: Fetch = { minIndex, floor: minIndex, answer: Promise.resolve(null) }
    this.#fetches.set(name, fetch)
    fetch.answer = this.#read(name, fetch, deadline)
    return fetch.answer
  }

  /** The prepared answer with all products; always from a catalog. Throws as `fetch` does. */
  async list(): Promise<string> {
    const deadline = this.#catalogs.deadline()
    if (!this.#open) await this.#limited(() => this.#opened(deadline))
    const minIndex = this.#shown.seenIndex
    const { index, data } = await this.#limited(() =>
      this.#catalogs.read((catalog, options) => catalog.products(minIndex, options), deadline),
    )
    this.#shown.showAll(index)
    for (const product of data) this.#refresh(product, index)
    return JSON.stringify({ data })
  }

  /**
   * The answer to a command passed through here: accepted, or refused (null), which told the client about a state that
   * the entry may be older than.
   */
  answered(command: Command, accepted: Accepted | null): void {
    if (!('name' in command)) return
    const { name } = command
    if (accepted === null) {
      this.#entries.delete(name)
      return
    }
    const { index } = accepted
    const product = productOf(accepted)
    const state = product === null ? null : new ProductState(product, index)
    this.#raise(name, index, state)
    if (state !== null && this.#isCovered(index) && index >= this.#shown.indexOf(name)) this.#entries.set(name, state)
  }

  /** A feed began; from its first line on no change is missing. */
  feedUp(first: Change): void {
    this.#entries.clear()
    this.#feedFrom = first.index
    this.feed(first)
  }

  /** The feed brought a line. */
  feed(change: Change): void {
    this.#feedValidUntil = this.#clock.now() + this.#limits.feedTimeoutMs
    if (change.name === undefined) this.#shown.see(change.index)
    else this.#raise(change.name, change.index, null)
  }

  /** The feed broke or fell silent. */
  feedDown(): void {
    this.#entries.clear()
    this.#feedFrom = null
    this.#feedValidUntil = Number.NEGATIVE_INFINITY
  }

  async #read(name: string, fetch: Fetch, deadline: number): Promise<string | null> {
    // Of now: a change that is heard of meanwhile may leave nothing known but its index.
    const known = this.#shown.stateOf(name)
    const minIndex = known === null ? fetch.minIndex : this.#shown.commonIndex
    try {
      const { index, data } = await this.#limited(() =>
        this.#catalogs.read((catalog, options) => catalog.product(name, minIndex, options), deadline),
      )
      const read = data === null ? null : new ProductState(data, index)
      const state = known !== null && known.index > index ? known : read
      this.#raise(name, state?.index ?? index, state)
      if (state !== null && this.mayKeep(name, fetch, state.index)) this.#entries.set(name, state)
      return state?.json ?? null
    } finally {
      if (this.#fetches.get(name) === fetch) this.#fetches.delete(name)
    }
  }

  /** Only the newest fetch of a name may be kept, only if no change overtook it, and only if the feed covers it. */
  protected mayKeep(name: string, fetch: Fetch, index: number): boolean {
    return this.#fetches.get(name) === fetch && index >= fetch.floor && this.#isCovered(index)
  }

  /** Whether the feed brings every change after this index, so that an entry may be kept at all. */
  #isCovered(index: number): boolean {
    return this.#limits.entriesMax > 0 && this.#feedFrom !== null && index >= this.#feedFrom
  }

  /** A list shows the product as it is at `index`: no later look-up may show it older, and the entry may as well be new. */
  #refresh(product: Product, index: number): void {
    const entry = this.#entries.peek(product.name)
    if (entry !== undefined && entry.index < index) entry.renew(product, index)
    this.#raise(product.name, index, null)
  }

  /** Somebody has been shown, or has heard of, the product at `index`: what is older goes. */
  #raise(name: string, index: number, state: ProductState | null): void {
    this.#shown.show(name, index, state)
    const entry = this.#entries.peek(name)
    if (entry !== undefined && entry.index < index) this.#entries.delete(name)
    const fetch = this.#fetches.get(name)
    if (fetch !== undefined) fetch.floor = Math.max(fetch.floor, index)
  }

  async #opened(deadline: number): Promise<void> {
    while (!this.#open) {
      if (this.#clock.now() >= deadline) {
        throw new BazaarError('NO_QUORUM', 'this front-end has not heard from a majority of order replicas yet')
      }
      await sleep(this.#clock, openPauseMs)
    }
  }

  async #limited<T>(read: () => Promise<T>): Promise<T> {
    if (this.#fetching >= this.#limits.fetchesMax) {
      throw new BazaarError('OVERLOADED', `${this.#fetching} look-ups are waiting already`)
    }
    this.#fetching++
    try {
      return await read()
    } finally {
      this.#fetching--
    }
  }
}

/** The product as the accepted command left it, or null when the answer does not say. */
function productOf({ product, order, stock }: Accepted): Product | null {
  if (product !== undefined) return product
  if (order === undefined || stock === undefined) return null
  return { name: order.name, price: order.price, quantity: stock }
}

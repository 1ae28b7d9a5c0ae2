import { ConnectionError } from '@bazaar/client'
import type { Random } from './random.ts'
import { orderOne, type Shopper } from './shopper.ts'

/** What happened to a product in one step, and what the cache holds after it. */
export interface ReplacementStep {
  name: string
  /** `order` is an order that followed the look-up: the product stays, as the order left it. */
  event: 'hit' | 'miss' | 'order'
  /** What an LRU of this size would have done. */
  expected: 'hit' | 'miss' | 'order'
  /** Products that such an LRU holds after the step, the most recent first. */
  held: string[]
  /** The product that had to make room, or null. */
  evicted: string | null
}

/** A cache that forgets what was not asked for longest: the model that the front-end's answers are compared with. */
export class LRUModel {
  readonly #entriesMax: number
  #held: string[] = []

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get held(): string[] {
    return [...this.#held]
  }

  has(name: string): boolean {
    return this.#held.includes(name)
  }

  /** A look-up or an order: the product is the most recent now. Gives what had to go. */
  use(name: string): string | null {
    this.#held = [name, ...this.#held.filter(other => other !== name)]
    return this.#held.length > this.#entriesMax ? (this.#held.pop() ?? null) : null
  }
}

export interface ReplacementOptions {
  products: readonly string[]
  entriesMax: number
  lookups: number
  /** The probability that an order follows a look-up, 0…1. */
  p: number
  random: Random
  keyPrefix: string
  /** Is called after each look-up. */
  onStep: () => void
}

/**
 * One client looks products up, one after the other, and notes what the cache did. Every product is looked up first, so
 * that the cache is known from then on, whatever it held before.
 *
 * @throws ConnectionError where the answers do not say what the cache did
 */
export async function watchReplacement(shopper: Shopper, options: ReplacementOptions): Promise<ReplacementStep[]> {
  const { products, entriesMax, lookups, p, random, keyPrefix, onStep } = options
  const model = new LRUModel(entriesMax)
  for (const name of products) {
    await shopper.lookUp(name)
    model.use(name)
  }
  const steps: ReplacementStep[] = []
  for (let lookup = 0; lookup < lookups; lookup += 1) {
    const name = random.pick(products)
    const expected = model.has(name) ? 'hit' : 'miss'
    const { hit, product } = await shopper.lookUp(name)
    if (hit === null)
      throw new ConnectionError('the answers do not say whether the cache had them: Cache-Status is missing')
    const evicted = model.use(name)
    steps.push({ name, event: hit ? 'hit' : 'miss', expected, held: model.held, evicted })
    onStep()
    if (random.next() >= p || product.quantity === 0) continue
    if ((await orderOne(shopper, name, `${keyPrefix}-${lookup}`)) === null) continue
    steps.push({ name, event: 'order', expected: 'order', held: model.held, evicted: model.use(name) })
  }
  return steps
}

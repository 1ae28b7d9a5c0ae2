import type { Product } from '@bazaar/client'
import type { NetworkQuality } from './network.ts'
import type { Random } from './random.ts'
import type { Habits } from './shopper.ts'

/** What kind of run a seed makes: the size of the shop, the load, and how bad things get. */
export interface Profile {
  readonly replicas: number
  readonly catalogs: number
  readonly frontends: number
  readonly shoppers: number
  /** Milliseconds between two requests of a shopper, on average. */
  readonly thinkMs: number
  readonly habits: Habits
  /** Share of the orders that sell. With few of them, most products are out of stock. */
  readonly sells: number
  readonly products: readonly Product[]
  readonly restockMs: number
  readonly cacheEntriesMax: number
  readonly quality: NetworkQuality
  /** Entries that the log has from the start: more than fit one message, or a replica's memory of recent lines. */
  readonly entriesBefore: number
  /** Milliseconds under load, and faults in them. */
  readonly loadMs: number
  readonly faults: number
}

const productNames = ['Tux', 'Fox', 'Crab', 'Gopher', 'Kite']

export function drawProfile(random: Random): Profile {
  const names = productNames.slice(0, 2 + random.below(4))
  const slowest = random.pick([0.3, 0.3, 3, 15])
  return {
    replicas: random.chance(0.9) ? 3 : 5,
    catalogs: 1 + random.below(2),
    frontends: 2 + random.below(2),
    shoppers: 2 + random.below(8),
    thinkMs: random.pick([10, 30, 100]),
    habits: {
      order: random.pick([20, 50]),
      repeat: 5,
      reuse: 1,
      change: 3,
      lookup: random.pick([10, 60]),
      list: 3,
      query: 15,
    },
    sells: random.pick([0.05, 0.2, 0.4]),
    products: names.map((name, at) => ({ name, price: at + 0.5, quantity: random.pick([0, 2, 10, 50]) })),
    restockMs: random.pick([0, 100, 600]),
    cacheEntriesMax: random.pick([2, 10, 10]),
    quality: {
      delayMs: [0.05, slowest],
      loss: random.pick([0, 0, 0.01, 0.1]),
      duplication: random.pick([0, 0, 0.05]),
      reordering: random.pick([0, 0, 0.1]),
    },
    entriesBefore: random.chance(0.03) ? 5000 : 0,
    loadMs: random.between(1000, 4000),
    faults: random.pick([4, 8, 12, 20]),
  }
}

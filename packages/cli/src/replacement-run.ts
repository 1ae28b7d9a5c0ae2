import { randomUUID } from 'node:crypto'
import { FrontendClient } from '@bazaar/client'
import type { BenchOptions } from './bench-options.ts'
import { seededRandom } from './random.ts'
import { type ReplacementStep, watchReplacement } from './replacement.ts'
import { connectVenue, openVenue } from './venue.ts'

/** What a shop's cache did, and what it is. */
export interface ReplacementResult {
  products: string[]
  entriesMax: number
  steps: ReplacementStep[]
}

/** One order in eight look-ups, so that changes are seen among the replacements. */
const orderProbability = 0.125

/** Opens the shop and watches its cache. With a url nobody else should use the shop meanwhile. */
export async function runReplacement({
  url,
  preload,
  seed,
  extent,
}: Pick<BenchOptions, 'url' | 'preload' | 'seed' | 'extent'>): Promise<ReplacementResult> {
  const venue = await openVenue(url, url === null ? 'on' : 'deployed', preload)
  const frontend = new FrontendClient(venue.url, 1)
  const shopper = await connectVenue(venue)
  try {
    const products = (await shopper.products()).map(product => product.name)
    const { entriesMax } = (await frontend.cluster()).frontend.cache
    const steps = await watchReplacement(shopper, {
      products,
      entriesMax,
      lookups: 'iterations' in extent ? extent.iterations : 0,
      p: orderProbability,
      random: seededRandom(seed),
      keyPrefix: `replacement-${randomUUID().slice(0, 8)}`,
    })
    return { products, entriesMax, steps }
  } finally {
    await Promise.all([shopper.close(), frontend.close()])
    await venue.close()
  }
}

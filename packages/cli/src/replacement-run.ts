import { randomUUID } from 'node:crypto'
import { ConnectionError, FrontendClient } from '@bazaar/client'
import type { BenchOptions } from './bench-options.ts'
import { errorText } from './error-text.ts'
import type { Progress } from './progress.ts'
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
export async function runReplacement(
  { url, preload, seed, extent }: Pick<BenchOptions, 'url' | 'preload' | 'seed' | 'extent'>,
  progress: Progress,
): Promise<ReplacementResult> {
  progress.stage(url === null ? 'starting the shop' : `reaching ${url}`, null)
  const venue = await openVenue(url, url === null ? 'on' : 'deployed', preload)
  const frontend = new FrontendClient(venue.url, 1)
  const shopper = await connectVenue(venue)
  try {
    const products = (await shopper.products()).map(product => product.name)
    const entriesMax = await cacheSizeOf(frontend)
    const lookups = 'iterations' in extent ? extent.iterations : 0
    progress.stage('watching the cache', lookups)
    const steps = await watchReplacement(shopper, {
      products,
      entriesMax,
      lookups,
      p: orderProbability,
      random: seededRandom(seed),
      keyPrefix: `replacement-${randomUUID().slice(0, 8)}`,
      onStep: () => progress.step(),
    })
    return { products, entriesMax, steps }
  } finally {
    progress.clear()
    await Promise.all([shopper.close(), frontend.close()])
    await venue.close()
  }
}

async function cacheSizeOf(frontend: FrontendClient): Promise<number> {
  const refuse = (why: string): never => {
    throw new ConnectionError(`--replacement asks GET /cluster how many products the cache holds: ${why}`)
  }
  const status = await frontend.cluster().catch(error => refuse(errorText(error)))
  const entriesMax: unknown = status?.frontend?.cache?.entriesMax
  return typeof entriesMax === 'number' ? entriesMax : refuse('it does not say')
}

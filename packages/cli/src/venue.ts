import { ConnectionError } from '@bazaar/client'
import type { CacheMode } from './bench-options.ts'
import type { Venue } from './benchmark.ts'
import { connectionShopper } from './connection-shopper.ts'
import { whenInterrupted } from './interruption.ts'
import { LeanConnection } from './lean-connection.ts'
import { serverOf } from './limits-run.ts'
import { benchStock, startOwnCluster } from './own-cluster.ts'
import { httpShopper, type Shopper } from './shopper.ts'

/** The front-end's cache holds less than the twelve products of the shop, so that replacement happens. */
const cacheEntries = 10

/**
 * A deployment, or, where there is no url, a cluster of its own with as many orders stored as asked.
 *
 * @throws ConnectionError when there is no shop behind the url
 */
export async function openVenue(url: string | null, cache: CacheMode | 'deployed', preload: number): Promise<Venue> {
  if (url !== null) {
    // Nothing is to be stopped, but the bar to be taken away.
    const forget = whenInterrupted(async () => {})
    await confirmShop(url).catch(error => {
      forget()
      throw error
    })
    return { url, cache: 'deployed', exclusive: false, pids: [], close: async () => forget() }
  }
  const settings = { stock: benchStock, cache: cache === 'off' ? 0 : cacheEntries }
  const cluster = await startOwnCluster(settings, preload)
  const { pids } = await serverOf(cluster)
  return { url: cluster.url, cache, exclusive: true, pids, close: () => cluster.stop() }
}

/** On the machine that is measured the clients must take little of it; a deployment may need more of HTTP. */
export async function connectVenue({ url, exclusive }: Venue): Promise<Shopper> {
  if (!exclusive) return httpShopper(url)
  const { hostname, port } = new URL(url)
  return connectionShopper(await LeanConnection.open(hostname, Number(port)))
}

async function confirmShop(url: string): Promise<void> {
  const shopper = httpShopper(url)
  try {
    if ((await shopper.products()).length === 0) throw new Error('it has no products')
  } catch (error) {
    // Where a name has several addresses, and none answers, the error has a code only.
    const { message, code } = error as NodeJS.ErrnoException
    // OpenSSL speaks of its own routines.
    const reason = message.includes('SSL routines') ? 'what answers there does not speak TLS' : message || code
    throw new ConnectionError(`${url} cannot be measured: ${reason}`, { cause: error })
  } finally {
    await shopper.close()
  }
}

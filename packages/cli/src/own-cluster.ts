import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cluster, type ClusterOptions, startCluster } from '@bazaar/cluster'
import { isInterrupted, whenInterrupted } from './interruption.ts'

/** Units of each product in a benchmark's cluster: more than it could ever sell. */
export const benchStock = 1_000_000
/** Of each product where faults are injected: so few that now and then an order is refused. */
export const chaosStock = 100

/**
 * Starts a cluster for this command alone, in a temporary folder, and stops it when the command is interrupted, so that
 * nothing is left behind. Nothing is restocked, so that the stock adds up.
 *
 * @param preload orders to store in it before it is started
 */
export async function startOwnCluster(options: Omit<ClusterOptions, 'data'>, preload = 0): Promise<Cluster> {
  if (isInterrupted()) throw new Error('interrupted')
  const data = mkdtempSync(join(tmpdir(), 'bazaar-bench-'))
  const interruption = new AbortController()
  const starting = start({ restockMs: 0, ...options, data, signal: interruption.signal }, preload)
  const remove = () => rmSync(data, { recursive: true, force: true })
  const forget = whenInterrupted(async () => {
    interruption.abort(new Error('interrupted'))
    await starting.then(cluster => cluster.stop()).catch(() => {})
    remove()
  })
  const end = () => {
    forget()
    remove()
  }
  try {
    const started = await starting
    return { ...started, stop: () => started.stop().finally(end) }
  } catch (error) {
    end()
    throw error
  }
}

type Settings = ClusterOptions & { signal: AbortSignal }

async function start(settings: Settings, preload: number): Promise<Cluster> {
  if (preload > 0) await fill(settings, preload)
  return startCluster(settings)
}

/** Stores orders through the storage code of the replicas. The products come first, and those a running shop makes. */
async function fill(settings: Settings, orders: number): Promise<void> {
  await (await startCluster(settings)).stop()
  settings.signal.throwIfAborted()
  const entry = fileURLToPath(new URL('../../../apps/order/dist/preload.js', import.meta.url))
  const replicas = settings.replicas === undefined ? [] : ['--replicas', String(settings.replicas)]
  const args = [entry, '--data', settings.data, '--orders', String(orders), ...replicas]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  settings.signal.addEventListener('abort', () => child.kill('SIGKILL'))
  const [status] = await once(child, 'exit')
  settings.signal.throwIfAborted()
  if (status !== 0) throw new Error(`storing ${orders} orders ended with status ${status}`)
}

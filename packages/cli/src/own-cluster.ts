import { type Cluster, type ClusterOptions, startCluster } from '@bazaar/cluster'
import { exitStatus } from './usage-error.ts'

/**
 * Starts a cluster for this command alone, in a temporary folder, and stops it when the command is interrupted, so that
 * nothing is left behind. Nothing is restocked, so that the stock adds up.
 */
export async function startOwnCluster(options: ClusterOptions): Promise<Cluster> {
  const controller = new AbortController()
  let cluster = null as Cluster | null
  const interrupt = (): void => {
    controller.abort(new Error('interrupted'))
    // Before the cluster is there, its start is given up by the signal and cleans up after itself.
    if (cluster !== null) cluster.stop().finally(() => process.exit(exitStatus.failed))
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const forget = (): void => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
  try {
    const started = await startCluster({ restockMs: 0, ...options, signal: controller.signal })
    cluster = started
    return { ...started, stop: () => started.stop().finally(forget) }
  } catch (error) {
    forget()
    throw error
  }
}

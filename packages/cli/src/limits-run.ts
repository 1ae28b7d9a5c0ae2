import { randomUUID } from 'node:crypto'
import type { Cluster } from '@bazaar/cluster'
import { startBareServer } from './bare-process.ts'
import { type LimitsOptions, type LimitsResult, type LimitsServer, measureLimits } from './limits.ts'
import { benchStock, startOwnCluster } from './own-cluster.ts'
import type { Progress } from './progress.ts'

/** Starts a cluster and a bare server, measures both in turns, and stops them. */
export async function runLimits(
  { seconds, seed }: Pick<LimitsOptions, 'seconds' | 'seed'>,
  progress: Progress,
): Promise<LimitsResult> {
  progress.stage('starting the shop', null)
  const cluster = await startOwnCluster({ stock: benchStock })
  try {
    const bare = await startBareServer()
    try {
      const servers = { bazaar: await serverOf(cluster), bare: { port: bare.port, pids: [bare.pid] } }
      const runId = `limits-${randomUUID().slice(0, 8)}`
      return await measureLimits({ ...servers, folder: cluster.data, seconds, seed, runId }, progress)
    } finally {
      await bare.stop()
    }
  } finally {
    progress.clear()
    await cluster.stop()
  }
}

/** A cluster as a server: its public port, and all its processes. */
export async function serverOf(cluster: Cluster): Promise<LimitsServer> {
  const { processes } = await cluster.status()
  return { port: Number(new URL(cluster.url).port), pids: processes.flatMap(({ pid }) => pid ?? []) }
}

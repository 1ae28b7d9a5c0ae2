import { randomUUID } from 'node:crypto'
import type { Cluster } from '@bazaar/cluster'
import { type BareProcesses, startBareChain, startBareServer } from './bare-process.ts'
import { type LimitsOptions, type LimitsResult, type LimitsServer, measureLimits } from './limits.ts'
import { benchStock, startOwnCluster } from './own-cluster.ts'
import type { Progress } from './progress.ts'

/** Starts a cluster, a bare server and a bare chain, measures them in turns, and stops them. */
export async function runLimits(
  { seconds, seed }: Pick<LimitsOptions, 'seconds' | 'seed'>,
  progress: Progress,
): Promise<LimitsResult> {
  progress.stage('starting the shop', null)
  const cluster = await startOwnCluster({ stock: benchStock })
  const bare: BareProcesses[] = []
  try {
    const server = await startBareServer()
    bare.push(server)
    const chain = await startBareChain(cluster.data)
    bare.push(chain)
    const servers = { bazaar: await serverOf(cluster), bare: server, chain }
    const runId = `limits-${randomUUID().slice(0, 8)}`
    return await measureLimits({ ...servers, folder: cluster.data, seconds, seed, runId }, progress)
  } finally {
    progress.clear()
    await Promise.all(bare.map(processes => processes.stop()))
    await cluster.stop()
  }
}

/** A cluster as a server: its public port, and all its processes. */
export async function serverOf(cluster: Cluster): Promise<LimitsServer> {
  const { processes } = await cluster.status()
  return { port: Number(new URL(cluster.url).port), pids: processes.flatMap(({ pid }) => pid ?? []) }
}

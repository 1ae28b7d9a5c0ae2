import { randomUUID } from 'node:crypto'
import type { Cluster } from '@bazaar/cluster'
import { type BareProcesses, startBareChain, startBareServer } from './bare-process.ts'
import { type ChainResult, measureChain } from './chain-limits.ts'
import { type LimitsOptions, type LimitsResult, type LimitsServer, measureLimits } from './limits.ts'
import { benchStock, startOwnCluster } from './own-cluster.ts'
import type { Progress } from './progress.ts'

/** The shop's figures and the limits, and what a bare chain makes of them. */
export type Limits = LimitsResult & { chain: ChainResult }

/** Starts a cluster and a bare server, measures both in turns, then a bare chain and the server, and stops them all. */
export async function runLimits(
  { seconds, seed }: Pick<LimitsOptions, 'seconds' | 'seed'>,
  progress: Progress,
): Promise<Limits> {
  progress.stage('starting the shop', null)
  const cluster = await startOwnCluster({ stock: benchStock })
  const bare: BareProcesses[] = []
  try {
    const server = await startBareServer()
    bare.push(server)
    const runId = `limits-${randomUUID().slice(0, 8)}`
    const servers = { bazaar: await serverOf(cluster), bare: server }
    const result = await measureLimits({ ...servers, folder: cluster.data, seconds, seed, runId }, progress)
    const chain = await startBareChain(cluster.data)
    bare.push(chain)
    return { ...result, chain: await measureChain({ chain, bare: server }, { seconds, seed }, progress) }
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

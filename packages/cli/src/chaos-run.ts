import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '@bazaar/cluster'
import { checkLookups, checkOrders, type Verdict } from '@bazaar/linearizability'
import { runChaosClient } from './chaos-client.ts'
import type { ChaosOptions } from './chaos-options.ts'
import { type ChaosRecord, newChaosRecord } from './chaos-record.ts'
import { FaultHistory } from './fault-history.ts'
import { FaultInjector, type InjectedFault } from './fault-injector.ts'
import { faultPlan } from './fault-plan.ts'
import { auditLog, hashLogs, type LogAudit, readLog } from './log-audit.ts'
import type { Progress } from './progress.ts'
import { seededRandom } from './random.ts'
import { settle } from './settle.ts'
import type { Shopper } from './shopper.ts'
import { failoversOf, slowestLookups, stallsOf } from './stalls.ts'
import { compareStock, type StockSum, type Verification, verifyOrders } from './verification.ts'

/** What a chaos run found. */
export interface ChaosResult {
  record: ChaosRecord
  faults: InjectedFault[]
  /** One for each fault, in ms. */
  stallsMs: number[]
  /** One for each fault, in ms. */
  slowestLookupsMs: (number | null)[]
  /** One for each leader that was killed; null when no order was answered after it. */
  failoversMs: (number | null)[]
  readBack: Verification
  audit: LogAudit
  /** Units of all products by the log, and as look-ups show them. */
  stock: StockSum
  /** One for each replica. */
  sha256: string[]
  orders: Verdict
  lookups: Verdict
  elapsedMs: number
  options: ChaosOptions
}

/** Streams of random numbers under one seed: one for the plan, one for the victims, the rest for the clients. */
const planStream = 0
const victimStream = 1
const firstClientStream = 2

/** Lets clients shop while faults are injected, waits for rest, and checks all that the clients were told. */
export async function runChaos(
  cluster: Cluster,
  connect: () => Shopper,
  options: ChaosOptions,
  progress: Progress,
): Promise<ChaosResult> {
  const checker = connect()
  try {
    const before = await checker.products()
    const startedAt = performance.now()
    const { record, faults } = await shopUnderFaults(cluster, connect, options, progress)
    const endedAt = performance.now()

    progress.stage('waiting for the cluster to settle', null)
    const { processes, leader } = await settle(cluster)
    const after = await checker.products()
    progress.stage('reading every order back', record.acknowledged.length)
    const acknowledged = record.acknowledged.map(({ order }) => order)
    const readBack = await verifyOrders([checker], acknowledged, () => progress.step())

    progress.stage('checking the logs and the history', null)
    const replicas = processes.map(({ name }) => name).filter(name => name.startsWith('order-'))
    const log = await readLog(cluster.data, leader ?? (replicas[0] as string))
    const audit = auditLog(log, record.acknowledged)
    return {
      record,
      faults,
      stallsMs: stallsOf(faults, record.acknowledged, endedAt),
      slowestLookupsMs: slowestLookups(faults, record.lookups),
      failoversMs: failoversOf(faults, record.acknowledged),
      readBack,
      audit,
      stock: compareStock(audit.stock, after),
      sha256: await hashLogs(cluster.data, replicas),
      orders: checkOrders(before, record.operations),
      lookups: checkLookups(log, record.lookups, record.acknowledged),
      elapsedMs: endedAt - startedAt,
      options,
    }
  } finally {
    progress.clear()
    await checker.close()
  }
}

async function shopUnderFaults(
  cluster: Cluster,
  connect: () => Shopper,
  options: ChaosOptions,
  progress: Progress,
): Promise<{ record: ChaosRecord; faults: InjectedFault[] }> {
  const { seed } = options
  const record = newChaosRecord()
  const history = new FaultHistory()
  const shoppers = Array.from({ length: options.clients }, connect)
  const products = (await (shoppers[0] as Shopper).products()).map(product => product.name)
  let over = false
  const clients = shoppers.map((shopper, at) =>
    runChaosClient({
      shopper,
      name: `client-${at + 1}`,
      random: seededRandom(seed, firstClientStream + at),
      products,
      looksUp: at > 0 || shoppers.length === 1,
      record,
      isOver: () => over,
      history,
    }),
  )
  const shopping = Promise.all(clients)
  // A client that breaks is heard of below, when the faults are over.
  shopping.catch(() => {})
  try {
    const faults = await injectFaults(cluster, options, history, progress)
    // The clients must be seen to go on after the last fault.
    await sleep(lastWordsMs)
    return { record, faults }
  } finally {
    over = true
    await shopping.finally(() => Promise.all(shoppers.map(shopper => shopper.close())))
  }
}

const lastWordsMs = 500

async function injectFaults(
  cluster: Cluster,
  { seconds, failovers, faults, targets, seed }: ChaosOptions,
  history: FaultHistory,
  progress: Progress,
): Promise<InjectedFault[]> {
  const { processes } = await cluster.status()
  const names = processes.map(({ name }) => name)
  const injector = new FaultInjector(cluster, names, seededRandom(seed, victimStream))
  const injected: InjectedFault[] = []
  const endsAt = performance.now() + seconds * 1000
  progress.stage('injecting faults', failovers)
  for (const planned of faultPlan(faults, targets, seededRandom(seed, planStream))) {
    await sleep(planned.afterMs)
    if (failovers === null ? performance.now() >= endsAt : injected.length >= failovers) break
    injected.push(await injector.inject(planned, begun => history.note(begun)))
    progress.step()
  }
  return injected
}

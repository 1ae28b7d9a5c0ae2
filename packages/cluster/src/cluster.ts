import { accessSync, constants, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { socketPath } from '@bazaar/client'
import { isWell, obstacleOf } from './ask.ts'
import { type ControlServer, openControl } from './control-server.ts'
import { adminTokenOf, prepareDataFolder } from './data-folder.ts'
import { ClusterError } from './errors.ts'
import { watchLeader } from './leader-watch.ts'
import { type LocalControl, localControl } from './local-control.ts'
import type { ManagedProcess } from './managed-process.ts'
import type { Notice } from './notice.ts'
import { claimPort, urlOf } from './port.ts'
import { Supervisor } from './supervisor.ts'
import { type ClusterSettings, defaultSettings, topology } from './topology.ts'
import { until } from './until.ts'

/** How long a cluster without orders has, from the first process to `/ready`. */
const readyTimeoutMs = 30_000
/** How much longer for each MiB of the longest log: every replica reads its own first, on a slow machine one by one. */
const recoveryMsPerMiB = 200
/** A process that dies this often before the cluster was ever ready has a reason to: waiting longer would not help. */
const deathsBeforeReadyMax = 3
const probeTimeoutMs = 1000

/** `ClusterSettings`, each with its default; the port's is 0, any free one. */
export interface ClusterOptions extends Partial<ClusterSettings> {
  /** The data folder. */
  data: string
  onNotice?: (notice: Notice) => void
  /** Aborted: the start is given up, what was started is stopped, and `startCluster` rejects with the signal's reason. */
  signal?: AbortSignal
}

/** A running cluster. */
export interface Cluster extends LocalControl {
  /** The front-end: `http://127.0.0.1:8080`. The port stays the same for as long as the cluster runs. */
  readonly url: string
  /** Absolute path of the data folder. */
  readonly data: string
  readonly adminToken: string
  /** The process id, or null while it is down. Throws `UNKNOWN_PROCESS`. */
  pidOf(name: string): number | null
  /** Stops every process and resolves when none is left. May be called twice. */
  stop(): Promise<void>
  /** Kills every process at once, so that a `stop` under way ends. */
  forceStop(): void
}

/**
 * Starts the processes of `topology` and resolves when the front-end is ready: a look-up and an order would be answered.
 *
 * Throws `ALREADY_RUNNING`, `PORT_IN_USE`, `DATA_NOT_WRITABLE`, `PRODUCTS_UNREADABLE`, `TOKEN_UNUSABLE` before anything is
 * started, and `NOT_READY`, with what the processes said, after stopping what was.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { data: wanted, onNotice, signal, ...settings } = options
  const data = prepareDataFolder(wanted)
  const running = await launch(data, { ...defaultSettings, port: 0, ...settings }, onNotice)
  const cluster = handle(running)
  await ready(running, signal).catch(async error => {
    await cluster.stop()
    throw error
  })
  return cluster
}

interface Running {
  url: string
  data: string
  adminToken: string
  supervisor: Supervisor
  control: LocalControl
  controlServer: ControlServer
  stopWatching(): void
}

type OnNotice = ((notice: Notice) => void) | undefined

async function launch(data: string, wanted: ClusterSettings, onNotice: OnNotice): Promise<Running> {
  const controlServer = await openControl(data)
  try {
    return await launchOwned(data, wanted, onNotice, controlServer)
  } catch (error) {
    await controlServer.close()
    throw error
  }
}

/** Starts everything on a data folder that is ours alone. */
async function launchOwned(
  data: string,
  wanted: ClusterSettings,
  onNotice: OnNotice,
  controlServer: ControlServer,
): Promise<Running> {
  const products = wanted.products === null ? null : readableProducts(wanted.products)
  const port = await claimPort(wanted.host, wanted.port)
  const url = urlOf(wanted.host, port)
  const adminToken = wanted.adminToken === '' ? adminTokenOf(data) : wanted.adminToken
  const supervisor = new Supervisor(topology({ ...wanted, products, port, adminToken }, data), {
    data,
    onNotice: onNotice ?? (() => {}),
    isHealthy: name => isWell(socketPath(data, name), '/health', probeTimeoutMs),
  })
  const control = localControl(url, data, supervisor)
  controlServer.serve(control)
  supervisor.start()
  const stopWatching = onNotice === undefined ? () => {} : watchLeader(control.status, onNotice)
  return { url, data, adminToken, supervisor, control, controlServer, stopWatching }
}

function handle(running: Running): Cluster {
  const { url, data, adminToken, supervisor, control } = running
  const end = async () => {
    running.stopWatching()
    await supervisor.stop()
    await running.controlServer.close()
  }
  let ended: Promise<void> | null = null
  return {
    ...control,
    url,
    data,
    adminToken,
    pidOf: name => supervisor.find(name).pid,
    stop() {
      ended ??= end()
      return ended
    },
    forceStop: () => supervisor.forceStop(),
  }
}

/** How long the cluster of a data folder may take to get ready, in ms. */
export function readyTimeoutOf(data: string, names: readonly string[]): number {
  const sizes = names.map(name => statSync(join(data, name, 'log.jsonl'), { throwIfNoEntry: false })?.size ?? 0)
  return readyTimeoutMs + Math.ceil(Math.max(0, ...sizes) / 2 ** 20) * recoveryMsPerMiB
}

async function ready({ url, data, supervisor }: Running, signal: AbortSignal | undefined): Promise<void> {
  const answers = async () => {
    signal?.throwIfAborted()
    const dying = supervisor.processes.find(process => process.deaths >= deathsBeforeReadyMax)
    if (dying !== undefined) throw new ClusterError('NOT_READY', `${dying.name} keeps dying: ${reasonOf(dying)}`)
    const door = supervisor.processes.at(-1)
    return door?.state === 'up' && (await isWell(url, '/ready', probeTimeoutMs))
  }
  const names = supervisor.processes.map(({ name }) => name)
  const timeoutMs = readyTimeoutOf(data, names)
  if ((await until(answers, timeoutMs)) !== null) return
  const obstacle = await obstacleOf(url, probeTimeoutMs)
  const states = supervisor.processes.map(
    ({ name, state, lastWords }) => `${name} ${state}${lastWords === '' ? '' : ` (${lastWords})`}`,
  )
  throw new ClusterError(
    'NOT_READY',
    `not ready after ${Math.round(timeoutMs / 1000)} s: ${[obstacle, states.join(', ')].filter(text => text !== null).join('; ')}`,
  )
}

/** The kernel, and Node where it aborts, leave it no time to say anything. */
function reasonOf({ howItDied, lastWords }: ManagedProcess): string {
  return `it ${howItDied}${lastWords === '' ? ' and said nothing' : `; the last it said: ${lastWords}`}`
}

function readableProducts(path: string): string {
  const absolute = resolve(path)
  try {
    accessSync(absolute, constants.R_OK)
  } catch (error) {
    throw new ClusterError(
      'PRODUCTS_UNREADABLE',
      `cannot read the products of ${absolute}: ${(error as Error).message}`,
    )
  }
  return absolute
}

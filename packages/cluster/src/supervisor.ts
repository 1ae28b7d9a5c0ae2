import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterError } from './errors.ts'
import { LogFile } from './log-file.ts'
import { ManagedProcess } from './managed-process.ts'
import type { Notice } from './notice.ts'
import { type ProcessSpec, serviceOf } from './topology.ts'

export interface SupervisorOptions {
  /** Absolute path of the data folder: working directory of every process, parent of `logs`. */
  data: string
  /** Whether a process answers on its socket. */
  isHealthy(name: string): Promise<boolean>
  onNotice(notice: Notice): void
}

/** The processes of one cluster: starts them, restarts what dies, stops all. */
export class Supervisor {
  readonly processes: readonly ManagedProcess[]
  readonly #logs: readonly LogFile[]
  #closing = false

  /** Opens the logs; starts nothing. Throws the error of the file system. */
  constructor(specs: readonly ProcessSpec[], { data, isHealthy, onNotice }: SupervisorOptions) {
    const logs = join(data, 'logs')
    mkdirSync(logs, { recursive: true, mode: 0o700 })
    const runner = runnerOf(process.execPath)
    const env = inheritedEnv()
    this.#logs = specs.map(spec => new LogFile(join(logs, `${spec.name}.log`)))
    this.processes = specs.map((spec, index) => {
      const log = this.#logs[index] as LogFile
      return new ManagedProcess(spec, { data, runner, env, log, isHealthy, onNotice })
    })
  }

  /** The process of that name. Throws `UNKNOWN_PROCESS`, with the names that there are. */
  find(name: string): ManagedProcess {
    const found = this.processes.find(process => process.name === name)
    if (found !== undefined) return found
    const names = ['leader', ...this.processes.map(process => process.name)]
    throw new ClusterError(
      'UNKNOWN_PROCESS',
      `no process is called ${JSON.stringify(name)}: it is one of ${names.join(', ')}`,
    )
  }

  /** Whether it was told to stop everything. */
  get closing(): boolean {
    return this.#closing
  }

  start(): void {
    for (const process of this.processes) process.start()
  }

  /**
   * Stops everything, the public door first, so that requests under way are still answered, as far as they can be within
   * the graceful stop of a process: an order that waits for a leader for longer is cut off, and its client asks again.
   */
  async stop(): Promise<void> {
    this.#closing = true
    const isDoor = (process: ManagedProcess) => serviceOf(process.name) === 'frontend'
    await Promise.all(this.processes.filter(isDoor).map(process => process.stop()))
    await Promise.all(this.processes.map(process => process.stop()))
    for (const log of this.#logs) log.close()
  }

  /** Kills everything; `stop` resolves soon after. */
  forceStop(): void {
    for (const process of this.processes) process.forceStop()
  }
}

/**
 * Node, behind `setpriv --pdeathsig CONT` where that exists (util-linux 2.33): a process that is paused cannot see its
 * standard input close, so when its supervisor dies the kernel wakes it. Elsewhere a paused process needs `kill -CONT`.
 */
function runnerOf(node: string): readonly [string, ...string[]] {
  const wakeOnDeath = ['--pdeathsig', 'CONT', '--'] as const
  const works = spawnSync('setpriv', [...wakeOnDeath, 'true'], { stdio: 'ignore' }).status === 0
  return works ? ['setpriv', ...wakeOnDeath, node] : [node]
}

/** The environment without what would configure a process behind the topology's back, or debug six of them on one port. */
function inheritedEnv(): NodeJS.ProcessEnv {
  const isOurs = (name: string) => name.startsWith('BAZAAR_') || name === 'ADMIN_TOKEN' || name === 'NODE_OPTIONS'
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { ClusterError } from './errors.ts'
import type { LogFile } from './log-file.ts'
import type { Notice } from './notice.ts'
import { healthyAfterMs, restartDelayMs } from './restart-delay.ts'
import type { ProcessSpec } from './topology.ts'
import { until } from './until.ts'

/** A process that was asked to stop gets this long before it is killed: its own graceful stop may take 5 s. */
const stopTimeoutMs = 6000

/** `starting`: it runs but does not answer yet; `up`: it answers; `paused`: stopped by SIGSTOP; `down`: it does not run. */
export type ProcessState = 'starting' | 'up' | 'paused' | 'down'

export interface ProcessSurroundings {
  /** Working directory of the process. */
  data: string
  /** What to run the entry with: a program and its first arguments. */
  runner: readonly [string, ...string[]]
  /** Inherited environment; that of the spec wins. */
  env: NodeJS.ProcessEnv
  log: LogFile
  /** Whether the process answers on its socket. */
  isHealthy(name: string): Promise<boolean>
  onNotice(notice: Notice): void
}

/**
 * One process that is started again when it dies, unless it was told to stay down. Its standard input is a pipe that
 * nobody writes to: when the supervisor goes, however it goes, the pipe closes and the process stops.
 */
export class ManagedProcess {
  readonly spec: ProcessSpec
  readonly #surroundings: ProcessSurroundings
  #child: ChildProcess | null = null
  #paused = false
  /** When it answered first (`performance.now()`), null before. */
  #healthySince: number | null = null
  #restart: NodeJS.Timeout | null = null
  #stayDown = true
  /** Told to stop: whatever it is told from then on, it is not started again. */
  #stopping = false
  #youngDeaths = 0
  #deaths = 0
  #wordsAtDeath = ''
  #howItDied = ''

  constructor(spec: ProcessSpec, surroundings: ProcessSurroundings) {
    this.spec = spec
    this.#surroundings = surroundings
  }

  get name(): string {
    return this.spec.name
  }

  get state(): ProcessState {
    if (this.#child === null) return 'down'
    if (this.#paused) return 'paused'
    return this.#healthySince === null ? 'starting' : 'up'
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Whether it was told to stop, or to stay down: nothing but a `start` brings it up again. */
  get staysDown(): boolean {
    return this.#stayDown || this.#stopping
  }

  /** How often it died without being told to stop. */
  get deaths(): number {
    return this.#deaths
  }

  /** What is wrong, as far as it said; while it has said nothing yet, why it died the last time. */
  get lastWords(): string {
    const { lastWords } = this.#surroundings.log
    return lastWords === '' ? this.#wordsAtDeath : lastWords
  }

  /** How it died the last time: `was killed by SIGKILL`; empty when it never did. */
  get howItDied(): string {
    return this.#howItDied
  }

  /** Starts it, now. Throws `WRONG_STATE` when it runs, or was stopped. */
  start(): void {
    if (this.#stopping) throw wrongState(this, 'is not started any more: the shop closes')
    if (this.state === 'paused') throw wrongState(this, 'is paused: resume it, or kill it')
    if (this.#child !== null) throw wrongState(this, 'is running: there is nothing to start')
    this.#stayDown = false
    this.#spawn()
  }

  /** Kills it with SIGKILL and resolves when it is dead. With `hold` it stays down until `start`, also if it was about to be restarted. */
  async kill(hold: boolean): Promise<void> {
    if (hold && this.#restart !== null) return this.#cancelRestart()
    const child = this.#running()
    // Somebody else may have been told at the same moment that it stays down.
    this.#stayDown ||= hold
    this.#youngDeaths = 0
    const exit = once(child, 'close')
    child.kill('SIGKILL')
    await exit
  }

  /** Stops it in its tracks with SIGSTOP: its sockets stay open and nothing answers. */
  pause(): void {
    const child = this.#running()
    if (this.#paused) throw wrongState(this, 'is paused already')
    child.kill('SIGSTOP')
    this.#paused = true
  }

  resume(): void {
    const child = this.#running()
    if (!this.#paused) throw wrongState(this, 'is not paused')
    child.kill('SIGCONT')
    this.#paused = false
  }

  /** Ends it with SIGTERM, after `stopTimeoutMs` with SIGKILL, and resolves when it is gone. It is not started again. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#cancelRestart()
    const child = this.#child
    if (child === null) return
    const exit = once(child, 'close')
    child.kill('SIGTERM')
    child.kill('SIGCONT')
    const killer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await exit
    clearTimeout(killer)
  }

  /** Ends it at once. */
  forceStop(): void {
    this.#stopping = true
    this.#cancelRestart()
    this.#child?.kill('SIGKILL')
  }

  #running(): ChildProcess {
    if (this.#child === null) throw wrongState(this, 'is down')
    return this.#child
  }

  #spawn(): void {
    this.#cancelRestart()
    const { data, runner, env, log } = this.#surroundings
    const [program, ...first] = runner
    const failed = (error: Error) => log.write(Buffer.from(`cannot start ${program}: ${error.message}\n`))
    this.#paused = false
    this.#healthySince = null
    log.forgetLastWords()
    try {
      // A process group of its own, so that Ctrl-C reaches only the supervisor, which stops the others in order.
      const child: ChildProcess = spawn(program, [...first, this.spec.entry], {
        cwd: data,
        env: { ...env, ...this.spec.env, BAZAAR_SUPERVISED: '1' },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      })
      this.#child = child
      // Where too many files are open it has no streams, and ends with the error's number.
      child.stdin?.on('error', () => {})
      child.stdout?.on('data', (chunk: Buffer) => log.write(chunk))
      child.stderr?.on('data', (chunk: Buffer) => log.write(chunk))
      child.once('error', failed)
      // It has ended, and all that it said was read.
      child.once('close', (code, signal) => this.#died(code, signal))
      void this.#watchHealth(child)
    } catch (error) {
      // Most errors of the system, as that there is no memory for it, are thrown.
      failed(error as Error)
      this.#died((error as NodeJS.ErrnoException).errno ?? null, null)
    }
  }

  async #watchHealth(child: ChildProcess): Promise<void> {
    const isGone = () => this.#child !== child
    const isHealthy = async () => !this.#paused && (await this.#surroundings.isHealthy(this.name))
    await until(async () => isGone() || (await isHealthy()), Number.POSITIVE_INFINITY)
    if (isGone()) return
    this.#healthySince = performance.now()
    if (this.#deaths > 0) {
      this.#surroundings.onNotice({ type: 'up', name: this.name, pid: child.pid ?? 0 })
    }
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = null
    if (this.staysDown) return
    this.#deaths += 1
    if (this.#healthySince !== null && performance.now() - this.#healthySince >= healthyAfterMs) this.#youngDeaths = 0
    const delayMs = restartDelayMs(this.#youngDeaths)
    this.#youngDeaths += 1
    const wasStarted = code === null || code >= 0
    const how = signal !== null ? `was killed by ${signal}` : wasStarted ? `ended with status ${code}` : 'did not start'
    const { onNotice, log } = this.#surroundings
    this.#wordsAtDeath = log.lastWords
    this.#howItDied = how
    onNotice({
      type: 'died',
      name: this.name,
      how,
      restartInMs: delayMs,
      lastWords: signal === null ? log.lastWords : '',
      log: log.path,
    })
    if (delayMs === 0) this.#spawn()
    else this.#restart = setTimeout(() => this.#spawn(), delayMs)
  }

  #cancelRestart(): void {
    if (this.#restart !== null) clearTimeout(this.#restart)
    this.#restart = null
  }
}

function wrongState(process: ManagedProcess, what: string): ClusterError {
  return new ClusterError('WRONG_STATE', `${process.name} ${what}`)
}

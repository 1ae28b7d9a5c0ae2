import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BaseSystem } from './base-system.ts'
import { cloudUrl } from './cloud-address.ts'
import { MemoryLimit } from './memory-limit.ts'
import { run } from './run.ts'

const dataVolumeBytes = 256 * 1024 * 1024
/** A t2.micro has 1 GiB; this leaves some to its kernel and to what else runs on Ubuntu. There is no swap. */
const memoryBytes = 850 * 1024 * 1024
const stopTimeoutMs = 60_000

/** What the machine told CloudFormation. */
export interface Signal {
  Status: 'SUCCESS' | 'FAILURE'
  Reason: string
}

/**
 * A machine with real systemd and cloud-init in a container that has a network of its own with nothing but loopback,
 * a blank disk where EC2 attaches the data volume, and the cloud's services around it.
 */
export class Machine {
  readonly #folder: string
  readonly #base: BaseSystem
  readonly #repository: string
  #cloud: ChildProcess | null = null
  #container: ChildProcess | null = null
  #disk = ''
  /** Null where this system does not limit memory. */
  memory: MemoryLimit | null = null
  readonly #signals: Signal[] = []

  /**
   * @param folder a folder for everything that belongs to it, on the same disk as the base
   * @param repository the folder that the machine sees as /srv/bazaar
   */
  constructor(folder: string, base: BaseSystem, repository: string) {
    this.#folder = folder
    this.#base = base
    this.#repository = repository
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  /** Makes its disks and the cloud around it. */
  async create(): Promise<void> {
    for (const name of ['changes', 'work', 'rootfs']) mkdirSync(this.#path(name))
    // Links from a layer below would each be copied first.
    await run('cp', ['--archive', '--link', `${this.#base.packages}/.`, this.#path('changes')])
    this.memory = MemoryLimit.create(basename(this.#folder), memoryBytes)
    const image = this.#path('data.img')
    writeFileSync(image, '')
    truncateSync(image, dataVolumeBytes)
    this.#disk = (await run('losetup', ['--find', '--show', image])).trim()
    writeFileSync(this.#path('user-data'), '')
    const cloud = [join(import.meta.dirname, 'cloud.ts'), this.#path('user-data'), this.#base.archives]
    this.#cloud = spawn('unshare', ['--net', '--', process.execPath, ...cloud], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: this.#cloud.stdout as NodeJS.ReadableStream })
    await new Promise<void>(resolve => {
      lines.on('line', line => (line === 'listening' ? resolve() : this.#signals.push(JSON.parse(line) as Signal)))
    })
  }

  /** Starts it with this user-data and waits for its word. Rejects with the end of the console when none comes. */
  async boot(userData: string, timeoutMs: number): Promise<Signal> {
    writeFileSync(this.#path('user-data'), userData)
    const console = openSync(this.#path('console'), 'w')
    this.#signals.length = 0
    // The mount is in a namespace of its own, and is gone with it; should the test be killed, so is the machine.
    const layers = `lowerdir=${this.#base.rootfs},upperdir=${this.#path('changes')}`
    const mount = `mount -t overlay overlay -o ${layers},workdir=${this.#path('work')} ${this.#path('rootfs')}`
    const enter = this.memory === null ? 'true' : `echo $$ >${this.memory.folder}/cgroup.procs`
    this.#container = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--', 'sh', '-c', `${mount} && ${enter} && exec "$@"`, 'sh'],
        ...[
          'systemd-nspawn',
          '--quiet',
          '--boot',
          '--register=no',
          '--keep-unit',
          `--machine=${basename(this.#folder)}`,
        ],
        ...[`--directory=${this.#path('rootfs')}`, '--resolv-conf=off', '--link-journal=no', '--console=read-only'],
        `--network-namespace-path=/proc/${this.#cloud?.pid}/ns/net`,
        `--bind=${this.#disk}:/dev/xvdf`,
        `--bind-ro=${this.#repository}:/srv/bazaar`,
      ],
      { stdio: ['ignore', console, console] },
    )
    return this.signal(timeoutMs)
  }

  /** The next word of the machine. */
  async signal(timeoutMs: number): Promise<Signal> {
    const deadline = performance.now() + timeoutMs
    while (performance.now() < deadline) {
      const signal = this.#signals.shift()
      if (signal !== undefined) return signal
      await sleep(50)
    }
    throw new Error(`no signal within ${timeoutMs} ms; the console ends with\n${this.console().slice(-4000)}`)
  }

  /** All that it wrote on its console since its start. */
  console(): string {
    return readFileSync(this.#path('console'), 'utf8')
  }

  /** Runs a program on the machine, as root. */
  inside(...words: string[]): Promise<string> {
    return run('nsenter', ['--target', String(this.#init()), '--all', '--root', '--wd', '--', ...words])
  }

  /** Runs a program of this system in the machine's network. */
  beside(...words: string[]): Promise<string> {
    return run('nsenter', ['--target', String(this.#cloud?.pid), '--net', '--', ...words])
  }

  /** Shuts it down in an orderly way, as EC2 does when it stops an instance. */
  async stop(): Promise<void> {
    const container = this.#container
    this.#container = null
    if (container === null || container.exitCode !== null) return
    const exit = new Promise(resolve => container.once('exit', resolve))
    container.kill('SIGTERM')
    const timer = setTimeout(() => container.kill('SIGKILL'), stopTimeoutMs)
    await exit
    clearTimeout(timer)
  }

  /** Leaves no process, no device and no file. */
  async destroy(): Promise<void> {
    await this.stop()
    this.#cloud?.stdin?.end()
    if (this.#disk !== '') await run('losetup', ['--detach', this.#disk])
    this.memory?.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The first process of the container, as seen from outside: the only child of systemd-nspawn. */
  #init(): number {
    const { pid } = this.#container as ChildProcess
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return Number(children[0])
  }
}

export const signalUrl = `${cloudUrl}/signal/`

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const region = 'us-east-1'
export const image = 'ami-0123456789abcdef0'
const startTimeoutMs = 30_000

/** The images that the imitation of AWS has: one Ubuntu as Canonical describes it. */
const images = [
  {
    ami_id: image,
    name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260101',
    owner_id: '099720109477',
    ...{ public: true, virtualization_type: 'hvm', architecture: 'x86_64', state: 'available', platform: null },
    ...{ image_type: 'machine', hypervisor: 'xen', description: 'Ubuntu', root_device_name: '/dev/sda1' },
    ...{ creation_date: '2026-01-01T00:00:00.000Z', root_device_type: 'ebs', sriov: 'simple' },
  },
]

/** What a program wrote and how it ended. */
export interface Ended {
  status: number
  stdout: string
  stderr: string
}

export function hasMoto(): boolean {
  return spawnSync('python3', ['-c', 'import moto.server, flask'], { stdio: 'ignore' }).status === 0
}

/** AWS as moto imitates it, on a loopback port; it knows nothing at first. */
export class Aws {
  readonly #server: ChildProcess
  readonly url: string

  private constructor(server: ChildProcess, url: string) {
    this.#server = server
    this.url = url
  }

  /** @param folder where it may keep a file */
  static async start(folder: string): Promise<Aws> {
    const imagesFile = join(folder, 'images.json')
    writeFileSync(imagesFile, JSON.stringify(images))
    const port = await freePort()
    const env = { ...process.env, MOTO_AMIS_PATH: imagesFile }
    const server = startTied('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], env)
    const aws = new Aws(server, `http://127.0.0.1:${port}`)
    const deadline = performance.now() + startTimeoutMs
    while (!(await fetch(`${aws.url}/moto-api/data.json`).catch(() => null))?.ok) {
      if (performance.now() > deadline) throw new Error(`moto does not answer on ${aws.url}`)
      await sleep(100)
    }
    return aws
  }

  /** The environment of someone who has credentials for it. */
  environment(): NodeJS.ProcessEnv {
    return {
      PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
      HOME: process.env.HOME,
      AWS_ENDPOINT_URL: this.url,
      AWS_REGION: region,
      ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' },
      ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    }
  }

  async stop(): Promise<void> {
    const exit = new Promise(resolve => this.#server.once('exit', resolve))
    this.#server.kill()
    await exit
  }
}

/** A checkout of its own, so that what a deployment remembers is not put into this one. Returns its `infra`. */
export function copyOfInfra(folder: string): string {
  const infra = join(folder, 'infra')
  mkdirSync(infra)
  for (const name of ['bin', 'lib', 'cdk.json', 'package.json']) {
    cpSync(join(root, 'infra', name), join(infra, name), { recursive: true })
  }
  symlinkSync(join(root, 'infra/node_modules'), join(infra, 'node_modules'))
  for (const name of ['node_modules', 'packages']) symlinkSync(join(root, name), join(folder, name))
  return infra
}

/** Starts a program that ends with this one, even when this one is killed, where the system can do that. */
export function startTied(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const tie = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'TERM', '--'] : []
  const [first = program, ...rest] = [...tie, program, ...args]
  return spawn(first, rest, { env, stdio: 'ignore' })
}

/** Runs a program to its end, however it ends. */
export function run(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise(resolve => {
    execFile(program, [...args], { cwd, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

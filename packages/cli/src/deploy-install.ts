import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Installs the dependencies of `infra`, which the first use of `bazaar` leaves out, unless they are there for the
 * lockfile as it is now. Throws when that fails.
 *
 * @param infra absolute path of the package
 */
export function installInfra(infra: string): void {
  const root = join(infra, '..')
  const lockfile = join(root, 'pnpm-lock.yaml')
  const stamp = join(root, '.bazaar', 'installed-infra')
  const isCurrent = existsSync(stamp) && readFileSync(stamp).equals(readFileSync(lockfile))
  if (isCurrent && existsSync(join(infra, 'node_modules'))) return
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string }
  const pnpm = packageManager.replace(/\+.*/, '')
  console.error('bazaar: installing the tools for AWS, once')
  const filter = ['--filter', '@bazaar/infra']
  const args = ['--yes', pnpm, '--dir', root, 'install', '--frozen-lockfile', '--prefer-offline', ...filter]
  const { status, error } = spawnSync('npx', args, { stdio: ['ignore', 2, 2] })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`installing the tools for AWS failed: npx ${args.join(' ')} ended with ${status}`)
  mkdirSync(join(root, '.bazaar'), { recursive: true })
  copyFileSync(lockfile, stamp)
}

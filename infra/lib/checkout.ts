import { execFileSync } from 'node:child_process'

/** What the git checkout around this file says about itself. */
export interface Checkout {
  /** Where it was cloned from, as an address that needs no key; null when there is no `origin`. */
  repository: string | null
  /** Its HEAD, in full; null outside a checkout. */
  commit: string | null
}

export function readCheckout(): Checkout {
  const origin = git('remote', 'get-url', 'origin')
  return { repository: origin === null ? null : publicAddress(origin), commit: git('rev-parse', 'HEAD') }
}

/**
 * `git@host:owner/name.git` and `ssh://…` as the https address of the same repository, for the machine has no key, and
 * https without a password. Null when there is no such address, as for a folder.
 */
export function publicAddress(origin: string): string | null {
  const ssh = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+)$/.exec(origin)
  if (ssh !== null) return `https://${ssh[1]}/${ssh[2]}`
  const web = /^https?:\/\/(?:[^@/]*@)?(.+)$/.exec(origin)
  return web === null ? null : `https://${web[1]}`
}

function git(...words: string[]): string | null {
  try {
    return execFileSync('git', words, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null
  }
}

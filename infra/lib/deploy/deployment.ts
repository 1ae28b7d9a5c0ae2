import { execFileSync } from 'node:child_process'
import { readCheckout } from '../checkout.ts'
import { npmRegistry } from '../npm-registry.ts'
import { type ContextKey, type Settings, settingsFrom } from '../settings.ts'
import { Cloud } from './cloud.ts'
import { UsageError } from './errors.ts'
import type { Options } from './options.ts'
import { savedSettings } from './saved-settings.ts'

/** Where and what, as every sub-command gets it. */
export interface Deployment {
  cloud: Cloud
  settings: Settings
  /** The settings as the context has them, only those that someone gave. */
  context: Partial<Record<ContextKey, string>>
}

/** Outside a checkout only a deployment needs to know a commit, and it finds out that this one does not exist. */
const noCommit = '0'.repeat(40)

/** Puts together what the command line, the last deployment and this checkout say. Throws a `UsageError`. */
export function deploymentOf({ context: given, command, words: [word] }: Options): Deployment {
  const name = command === 'update' ? (word ?? given.commit) : given.commit
  const commit = name === undefined ? {} : { commit: inFull(name) }
  const context = { ...savedSettings(), ...given, ...commit }
  return { cloud: Cloud.in(context.region), settings: checked(context), context }
}

function checked(context: Deployment['context']): Settings {
  try {
    const { repository, commit } = readCheckout()
    const { region } = context
    const registry = npmRegistry()
    const surroundings = { account: undefined, region, repository, commit: commit ?? noCommit, registry }
    return settingsFrom(key => context[key as keyof typeof context], surroundings)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** A branch, tag or short id of this checkout as the full id of its commit. */
function inFull(name: string): string {
  try {
    const words = ['-C', import.meta.dirname, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`]
    return execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return name
  }
}

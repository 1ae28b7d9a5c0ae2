import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ContextKey } from '../settings.ts'
import { DeployError } from './errors.ts'

const infra = fileURLToPath(new URL('../..', import.meta.url))
const root = join(infra, '..')

/** Runs `cdk deploy`, which shows its progress, and returns the outputs of the stack. Throws a `DeployError`. */
export async function cdkDeploy(region: string, context: Partial<Record<ContextKey, string>>): Promise<Outputs> {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-cdk-'))
  const outputs = join(folder, 'outputs.json')
  try {
    const words = ['deploy', '--method', 'direct', '--require-approval', 'never', '--progress', 'events']
    await cdk(region, [...words, '--outputs-file', outputs, ...contextWords(context)])
    const [stack] = Object.values(JSON.parse(readFileSync(outputs, 'utf8')) as Record<string, Outputs>)
    return stack ?? {}
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Outputs of the stack by name. */
export type Outputs = Record<string, string>

export async function cdkDestroy(region: string, context: Partial<Record<ContextKey, string>>): Promise<void> {
  await cdk(region, ['destroy', '--force', ...contextWords(context)])
}

/** Runs the command line of Bazaar and returns its exit status. */
export function bazaar(...words: string[]): Promise<number> {
  return run(process.execPath, [join(root, 'packages/cli/dist/main.js'), ...words], process.cwd(), process.env)
}

async function cdk(region: string, words: readonly string[]): Promise<void> {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH: path, AWS_REGION: region }
  const status = await run(join(infra, 'node_modules/.bin/cdk'), [...words, '--no-notices'], infra, env)
  if (status !== 0) throw new DeployError(`cdk ${words[0]} ended with status ${status}; what failed stands above`)
}

function contextWords(context: Partial<Record<ContextKey, string>>): string[] {
  return Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`])
}

function run(program: string, words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(program, words, { cwd, env, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', status => resolve(status ?? 1))
  })
}

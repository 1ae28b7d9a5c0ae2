import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DeployError } from './errors.ts'

const fetchTimeoutMs = 120_000

/** Whether the machine will find the commit, by fetching it as the machine does: from anywhere, without a key. */
export async function checkCommit(repository: string, commit: string): Promise<string> {
  if (repository === '') {
    throw new DeployError('this checkout has no public origin: say --repository https://… (the machine clones it)')
  }
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-fetch-'))
  const options = { timeout: fetchTimeoutMs, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } }
  try {
    await promisify(execFile)('git', ['init', '--quiet', '--bare', folder], options)
    const fetch = ['-C', folder, 'fetch', '--quiet', '--depth', '1', repository, commit]
    await promisify(execFile)('git', fetch, options)
    return `${commit.slice(0, 12)} is in ${repository}`
  } catch (error) {
    const said = ((error as { stderr?: string }).stderr ?? (error as Error).message).trim()
    throw new DeployError(
      `commit ${commit} cannot be fetched from ${repository}; is it pushed, and public? git: ${said}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

import { execFileSync } from 'node:child_process'

/** Where npm gets packages on this machine, without a slash at the end; the new machine gets Node and pnpm there too. */
export function npmRegistry(): string {
  const url = execFileSync('npm', ['config', 'get', 'registry'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return url.trim().replace(/\/$/, '')
}

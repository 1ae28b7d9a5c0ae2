import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** System calls of one process that fail from now on, for some files. */
export interface SystemCallFault {
  /** Lets the calls succeed again; also when the process is gone. */
  end(): Promise<void>
}

/** How long strace may take to attach. */
const attachTimeoutMs = 5_000
const attachPollMs = 10

/** Whether strace is installed and may attach to processes of ours. */
export function canInjectSystemCallFaults(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0
}

/**
 * Makes system calls of a running process fail: strace attaches to all its threads and answers in the kernel's stead.
 * Resolves when it has attached. Throws when it cannot.
 *
 * @param calls names as strace knows them, e.g. `fdatasync`
 * @param paths only calls on these files fail
 */
export async function failSystemCalls(
  pid: number,
  calls: readonly string[],
  error: 'EIO' | 'ENOSPC',
  paths: readonly string[],
): Promise<SystemCallFault> {
  const set = calls.join()
  const files = paths.flatMap(path => ['-P', path])
  const args = ['-f', '-p', String(pid), ...files, '-e', `trace=${set}`, '-e', `inject=${set}:error=${error}`]
  const child = spawn('strace', ['-o', '/dev/null', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  const deadline = performance.now() + attachTimeoutMs
  while (!said.includes(' attached')) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`strace cannot attach to process ${pid}: ${said.trim() || `silent for ${attachTimeoutMs} ms`}`)
    }
    await sleep(attachPollMs)
  }
  return {
    async end() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

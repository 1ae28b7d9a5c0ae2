import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The bare server's process. */
export interface BareProcess {
  port: number
  pid: number
  stop(): Promise<void>
}

/** Starts the bare server. Throws when it ends before it listens. */
export async function startBareServer(): Promise<BareProcess> {
  const entry = fileURLToPath(new URL('./bare-server.js', import.meta.url))
  const child = spawn(process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), exited.then(() => null)])
  if (first === null || child.pid === undefined) throw new Error('the bare server ended before it listened')
  const stop = async (): Promise<void> => {
    child.stdin.end()
    await exited
  }
  return { port: Number(first[0]), pid: child.pid, stop }
}

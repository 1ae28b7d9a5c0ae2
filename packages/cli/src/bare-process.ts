import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { socketPath } from '@bazaar/client'

/** What stands for a shop at a port of this machine. */
export interface BareProcesses {
  port: number
  pids: readonly number[]
  stop(): Promise<void>
}

interface Started {
  /** The first line that it printed: where it listens. */
  address: string
  pid: number
  stop(): Promise<void>
}

const server = fileURLToPath(new URL('./bare-server.js', import.meta.url))
const replica = fileURLToPath(new URL('./bare-replica.js', import.meta.url))

/** Starts the bare server. Throws when it ends before it listens. */
export async function startBareServer(): Promise<BareProcesses> {
  const { address, pid, stop } = await start([server])
  return { port: Number(address), pids: [pid], stop }
}

/**
 * Starts a bare server that hands orders on to a process which hands them on to another, with the files of both in the
 * folder: three hops and two syncs, as in the shop. Throws when one of them ends before it listens.
 */
export async function startBareChain(folder: string): Promise<BareProcesses> {
  const started: Started[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(process => process.stop()))
  }
  const startNext = async (args: readonly string[]): Promise<string> => {
    const process = await start(args)
    started.push(process)
    return process.address
  }
  try {
    const argsOf = (name: string) => [replica, socketPath(folder, name), join(folder, `${name}.ring`)]
    const follower = await startNext(argsOf('bare-1'))
    const leader = await startNext([...argsOf('bare-2'), follower])
    const port = Number(await startNext([server, leader]))
    return { port, pids: started.map(({ pid }) => pid), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(args: readonly string[]): Promise<Started> {
  const child: ChildProcess & { stdin: Writable; stdout: Readable } = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), exited.then(() => null)])
  if (first === null || child.pid === undefined) throw new Error('a bare server ended before it listened')
  const stop = async (): Promise<void> => {
    child.stdin.end()
    await exited
  }
  return { address: first[0], pid: child.pid, stop }
}

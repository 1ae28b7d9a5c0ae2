import { once } from 'node:events'
import { chmodSync, linkSync, renameSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname, join } from 'node:path'

const claimAttemptsMax = 5

/** Tells what this process moves aside apart. */
let cleared = 0

/**
 * Has the server listen on a unix socket (mode 0600) on which no other process does, and so be the only one there. What a
 * dead process left behind is replaced; of several that try at once one succeeds.
 *
 * @returns false when another process has it, if only a stopped one
 */
export async function claimSocket(server: Server, path: string): Promise<boolean> {
  for (let attempt = 0; attempt < claimAttemptsMax; attempt += 1) {
    if (await listens(server, path)) {
      chmodSync(path, 0o600)
      return true
    }
    if (!(await clearSocket(path))) return false
  }
  return false
}

/**
 * Removes a socket that nobody listens on, if there is one; false when somebody does. It is moved before it is removed and
 * looked at again: if another process took its place in between, the living socket is put back.
 */
export async function clearSocket(path: string): Promise<boolean> {
  if (await isServed(path)) return false
  cleared += 1
  // A path that just fits leaves no room for a longer one.
  const aside = join(dirname(path), `.${process.pid}-${cleared}`)
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
  try {
    const isAlive = await isServed(aside)
    if (isAlive) linkSync(aside, path)
    return !isAlive
  } finally {
    rmSync(aside)
  }
}

async function listens(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path)
    await once(server, 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}

/** A process that is stopped or busy lets connections wait, until there are too many; only a refused one tells that it is gone. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}

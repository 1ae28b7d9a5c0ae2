import { chmod } from 'node:fs/promises'
import { clearSocket } from '@bazaar/client/contract'
import closeWithGrace from 'close-with-grace'
import type { Service } from './service.ts'

/** A graceful stop that takes longer, in ms, ends with exit status 1. */
const stopTimeoutMs = 5_000

/** Where to listen: a unix socket (an absolute path, or one relative to the working folder), or a TCP port. */
export type Listen = { socket: string } | { host: string; port: number }

/** An app and where it listens. */
export interface Listener {
  app: Service
  listen: Listen
}

export interface StartOptions {
  /** The first one's logger is the process's. */
  listeners: readonly [Listener, ...Listener[]]
  /** Stop when standard input closes, so that nothing outlives a supervisor (`BAZAAR_SUPERVISED=1`). */
  supervised: boolean
  /** Runs on a graceful stop, after all listeners have closed and their requests are answered. */
  onStop?: () => Promise<void>
}

/**
 * Makes the apps listen and takes charge of the process: SIGTERM, SIGINT (and a closed standard input, when supervised)
 * stop it within 5 s, in order: streams end (the apps' `preClose` hooks), listeners close, `onStop`, exit status 0. An
 * error that nobody caught is logged and ends the process at once with status 1: what failed is not asked to tidy up.
 * From here on every file that the process makes is its user's alone (umask 077). Rejects when it cannot listen.
 */
export async function startService({ listeners, supervised, onStop }: StartOptions): Promise<void> {
  process.umask(0o077)
  const { log } = listeners[0].app
  let stopping: Promise<void> | undefined
  const grace = closeWithGrace({ delay: stopTimeoutMs, logger: log }, async ({ err }) => {
    if (err !== undefined) {
      log.fatal({ err })
      process.exit(1)
    }
    // A signal and a closed standard input often come together.
    stopping ??= Promise.all(listeners.map(({ app }) => app.close())).then(() => onStop?.())
    await stopping
  })
  if (supervised) stopWithStandardInput(grace.close)
  for (const { app, listen } of listeners) await listenOn(app, listen)
}

/** Standard input is read only to learn that the other end is gone. */
function stopWithStandardInput(stop: () => void): void {
  process.stdin.once('end', stop)
  process.stdin.once('error', stop)
  process.stdin.resume()
}

async function listenOn(app: Service, listen: Listen): Promise<void> {
  if (!('socket' in listen)) {
    await app.listen(listen)
    return
  }
  const { socket } = listen
  if (!(await clearSocket(socket))) throw new Error(`${socket}: another process listens there`)
  await app.listen({ path: socket })
  // Under umask 077 it was never open to others; this only takes the meaningless execute bit away.
  await chmod(socket, 0o600)
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { claimSocket, socketPath } from '@bazaar/client'
import { type Action, actions, type Control, controlSocket } from './control.ts'
import { ClusterError, type ClusterReason } from './errors.ts'

const codeOf: Partial<Record<ClusterReason, number>> = {
  UNKNOWN_PROCESS: 404,
  WRONG_STATE: 409,
  NO_LEADER: 503,
  NOT_RUNNING: 503,
}

/** The supervisor's socket, which is also the ownership of the data folder. */
export interface ControlServer {
  /** From now on, requests are answered by `control`. Until then they are a 503. */
  serve(control: Control): void
  close(): Promise<void>
}

/**
 * Listens on the supervisor's socket (mode 0600): `GET /status`, `POST /processes/:name/kill` (`?hold` keeps it down),
 * `/pause`, `/resume`, `/start`. Throws `ALREADY_RUNNING` when another supervisor answers on it. A socket that a dead one
 * left behind is replaced.
 */
export async function openControl(data: string): Promise<ControlServer> {
  const path = socketPath(data, controlSocket)
  let control: Control | null = null
  const server = createServer((request, response) => void answer(control, request, response))
  if (!(await claimSocket(server, path))) {
    throw new ClusterError(
      'ALREADY_RUNNING',
      `a cluster runs on ${data} already; stop it, or choose another folder with --data`,
    )
  }
  return {
    serve(by) {
      control = by
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(control: Control | null, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (control === null) throw new ClusterError('NOT_RUNNING', 'the cluster is about to start')
    const body = await act(control, request)
    send(
      response,
      body === null ? 404 : 200,
      body ?? { error: { code: 404, reason: 'ROUTE_NOT_FOUND', message: `no ${request.url}` } },
    )
  } catch (error) {
    const reason = error instanceof ClusterError ? error.reason : 'INTERNAL'
    const code = error instanceof ClusterError ? (codeOf[error.reason] ?? 500) : 500
    send(response, code, { error: { code, reason, message: (error as Error).message } })
  }
}

async function act(control: Control, request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? '/', 'http://supervisor')
  if (request.method === 'GET' && url.pathname === '/status') return control.status()
  const [, name, action] = /^\/processes\/([^/]*)\/([a-z]+)$/.exec(url.pathname) ?? []
  if (request.method !== 'POST' || name === undefined || !actions.includes(action as Action)) return null
  const target = decodeURIComponent(name)
  if (action === 'kill') return { name: await control.kill(target, { hold: url.searchParams.has('hold') }) }
  return { name: await control[action as Exclude<Action, 'kill'>](target) }
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { claimSocket, socketPath } from '@bazaar/client'
import { type Action, actions, type Control, controlSocket } from './control.ts'
import { ClusterError, type ClusterReason, type ControlErrorBody, type ControlReason } from './errors.ts'

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
    if (body === null) refuse(response, 404, 'ROUTE_NOT_FOUND', `no ${request.url}`)
    else send(response, 200, body)
  } catch (error) {
    const { message } = error as Error
    if (error instanceof ClusterError) refuse(response, codeOf[error.reason] ?? 500, error.reason, message)
    else refuse(response, 500, 'INTERNAL', message)
  }
}

async function act(control: Control, request: IncomingMessage): Promise<unknown> {
  const url = URL.parse(request.url ?? '/', 'http://supervisor')
  if (url === null) return null
  if (request.method === 'GET' && url.pathname === '/status') return control.status()
  const [, name, action] = /^\/processes\/([^/]*)\/([a-z]+)$/.exec(url.pathname) ?? []
  if (request.method !== 'POST' || name === undefined || !actions.includes(action as Action)) return null
  const target = decodedName(name)
  if (action === 'kill') return { name: await control.kill(target, { hold: url.searchParams.has('hold') }) }
  return { name: await control[action as Exclude<Action, 'kill'>](target) }
}

function decodedName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw new ClusterError('UNKNOWN_PROCESS', `no process is called ${JSON.stringify(name)}`)
  }
}

function refuse(response: ServerResponse, code: number, reason: ControlReason, message: string): void {
  const body: ControlErrorBody = { error: { code, reason, message } }
  send(response, code, body)
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

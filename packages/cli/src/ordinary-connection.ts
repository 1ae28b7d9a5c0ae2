import { Agent, type IncomingMessage, request } from 'node:http'
import { type LoadConnection, type LoadRequest, noAnswer, type OnAnswer } from './load-connection.ts'

/** A connection of Node's own HTTP client, as an ordinary program would use it. It connects with the first request. */
export class OrdinaryConnection implements LoadConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #host: string
  readonly #port: number

  constructor(host: string, port: number) {
    this.#host = host
    this.#port = port
  }

  send({ method, path, json, key }: LoadRequest, onAnswer: OnAnswer): void {
    const headers: Record<string, string | number> = {}
    if (json !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = json.length
    }
    if (key !== undefined) headers['idempotency-key'] = key
    const options = { agent: this.#agent, host: this.#host, port: this.#port, method, path, headers }
    const outgoing = request(options, incoming => receive(incoming, onAnswer))
    outgoing.once('error', error => onAnswer(error, noAnswer))
    outgoing.end(json)
  }

  close(): void {
    this.#agent.destroy()
  }
}

function receive(incoming: IncomingMessage, onAnswer: OnAnswer): void {
  let body = ''
  incoming.setEncoding('utf8')
  incoming.on('data', chunk => {
    body += chunk
  })
  incoming.once('error', error => onAnswer(error, noAnswer))
  incoming.once('end', () => {
    const cacheStatus = String(incoming.headers['cache-status'] ?? '')
    onAnswer(null, { status: incoming.statusCode ?? 0, cacheStatus, body })
  })
}

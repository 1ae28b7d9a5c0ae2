import { Agent, type IncomingMessage, request } from 'node:http'
import { ConnectionError } from '@bazaar/client'
import { type LoadConnection, type LoadRequest, noAnswer, type OnAnswer, silenceMaxMs } from './load-connection.ts'

/** A connection of Node's own HTTP client, as an ordinary program would use it. It connects with the first request. */
export class OrdinaryConnection implements LoadConnection {
  readonly #agent: Agent
  readonly #host: string
  readonly #port: number
  readonly #timeoutMs: number

  /** @param timeoutMs how long the server may be silent before a request fails */
  constructor(host: string, port: number, timeoutMs = silenceMaxMs) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: timeoutMs })
    this.#host = host
    this.#port = port
    this.#timeoutMs = timeoutMs
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
    outgoing.once('timeout', () => {
      const silence = `no answer within ${this.#timeoutMs / 1000} s`
      outgoing.destroy(new ConnectionError(`${this.#host}:${this.#port}: ${silence}`))
    })
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

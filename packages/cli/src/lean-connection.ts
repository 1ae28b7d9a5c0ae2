import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ConnectionError } from '@bazaar/client'
import { type LoadConnection, type LoadRequest, noAnswer, type OnAnswer, silenceMaxMs } from './load-connection.ts'

const headEnd = '\r\n\r\n'
/** No answer of the shop is longer than this. */
const answerBytesMax = 1024 * 1024

/**
 * HTTP/1.1 for load generators: it takes a fraction of the processor time of a general client, so on the machine that it
 * measures it disturbs little. It understands answers with a `Content-Length` and nothing else, and never sends a request
 * again. A connection that was closed, as servers do with those that rest for long, is opened again by the next request.
 */
export class LeanConnection implements LoadConnection {
  readonly #host: string
  readonly #port: number
  readonly #timeoutMs: number
  #socket: Socket | null = null
  #received: Buffer | null = null
  #onAnswer: OnAnswer | null = null

  private constructor(host: string, port: number, timeoutMs: number) {
    this.#host = host
    this.#port = port
    this.#timeoutMs = timeoutMs
  }

  /**
   * Opens a connection. Throws what the network says.
   *
   * @param timeoutMs how long the server may be silent before a request fails
   */
  static async open(host: string, port: number, timeoutMs = silenceMaxMs): Promise<LeanConnection> {
    const connection = new LeanConnection(host, port, timeoutMs)
    await once(connection.#connect(), 'connect')
    return connection
  }

  send(request: LoadRequest, onAnswer: OnAnswer) {
    if (this.#onAnswer !== null) throw new Error(`${this.#place}: a request is under way`)
    this.#onAnswer = onAnswer
    const socket = this.#socket ?? this.#connect()
    socket.write(this.#format(request))
  }

  close(): void {
    this.#socket?.destroy()
  }

  get #place(): string {
    return `${this.#host}:${this.#port}`
  }

  #connect(): Socket {
    const socket = connect({ host: this.#host, port: this.#port }).setNoDelay(true)
    this.#socket = socket
    socket.setTimeout(this.#timeoutMs, () => {
      // One that rests is the server's to close.
      if (this.#onAnswer !== null) this.#break(socket, `no answer within ${this.#timeoutMs / 1000} s`)
    })
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('error', error => this.#break(socket, error.message, error))
    for (const end of ['end', 'close']) socket.on(end, () => this.#break(socket, 'closed the connection'))
    return socket
  }

  #format({ method, path, json, key }: LoadRequest): string {
    const start = `${method} ${path} HTTP/1.1\r\nhost: ${this.#place}\r\n`
    if (json === undefined) return `${start}\r\n`
    const idempotency = key === undefined ? '' : `idempotency-key: ${key}\r\n`
    return `${start}content-type: application/json\r\ncontent-length: ${json.length}\r\n${idempotency}\r\n${json}`
  }

  #receive(chunk: Buffer) {
    const bytes = this.#received === null ? chunk : Buffer.concat([this.#received, chunk])
    const end = bytes.indexOf(headEnd)
    if (end === -1) return this.#wait(bytes)
    const head = bytes.toString('latin1', 0, end)
    const length = /\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length === undefined) return this.#giveUp(`no Content-Length in: ${head}`)
    const bodyFrom = end + headEnd.length
    const bodyTo = bodyFrom + Number(length)
    if (bytes.length < bodyTo) return this.#wait(bytes)
    this.#received = null
    const onAnswer = this.#onAnswer
    this.#onAnswer = null
    const cacheStatus = /\ncache-status: *([^\r]*)/i.exec(head)?.[1] ?? ''
    onAnswer?.(null, { status: Number(head.slice(9, 12)), cacheStatus, body: bytes.toString('utf8', bodyFrom, bodyTo) })
  }

  #wait(bytes: Buffer) {
    this.#received = bytes
    if (bytes.length > answerBytesMax) this.#giveUp(`an answer over ${answerBytesMax} bytes`)
  }

  #giveUp(why: string) {
    if (this.#socket !== null) this.#break(this.#socket, why)
  }

  #break(socket: Socket, why: string, cause?: Error) {
    socket.destroy()
    if (this.#socket !== socket) return
    this.#socket = null
    this.#received = null
    const onAnswer = this.#onAnswer
    this.#onAnswer = null
    onAnswer?.(new ConnectionError(`${this.#place}: ${why}`, { cause }), noAnswer)
  }
}

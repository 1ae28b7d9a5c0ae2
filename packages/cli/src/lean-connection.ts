import { connect, type Socket } from 'node:net'
import { type LoadConnection, type LoadRequest, noAnswer, type OnAnswer } from './load-connection.ts'

const headEnd = '\r\n\r\n'
/** No answer of the shop is longer than this. */
const answerBytesMax = 1024 * 1024

/**
 * HTTP/1.1 for load generators: it takes a fraction of the processor time of a general client, so on the machine that it
 * measures it disturbs little. It understands answers with a `Content-Length` and nothing else, and never sends a request
 * again.
 */
export class LeanConnection implements LoadConnection {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer | null = null
  #onAnswer: OnAnswer | null = null
  #broken: Error | null = null

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('error', error => this.#break(error))
    socket.on('close', () => this.#break(new Error(`${host} closed the connection`)))
  }

  /** Opens a connection. Throws what the network says. */
  static open(host: string, port: number): Promise<LeanConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new LeanConnection(socket, `${host}:${port}`))
      })
    })
  }

  send(request: LoadRequest, onAnswer: OnAnswer) {
    if (this.#onAnswer !== null) throw new Error(`${this.#host}: a request is under way`)
    if (this.#broken !== null) return onAnswer(this.#broken, noAnswer)
    this.#onAnswer = onAnswer
    this.#socket.write(this.#format(request))
  }

  close(): void {
    this.#socket.destroy()
  }

  #format({ method, path, json, key }: LoadRequest): string {
    const start = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n`
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
    if (length === undefined) return this.#break(new Error(`${this.#host}: no Content-Length in: ${head}`))
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
    if (bytes.length > answerBytesMax) this.#break(new Error(`${this.#host}: an answer over ${answerBytesMax} bytes`))
  }

  #break(error: Error) {
    this.#broken ??= error
    this.#socket.destroy()
    const onAnswer = this.#onAnswer
    this.#onAnswer = null
    onAnswer?.(this.#broken, noAnswer)
  }
}

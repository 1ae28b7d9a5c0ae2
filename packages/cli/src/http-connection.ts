import { connect, type Socket } from 'node:net'

/** An answer on a connection: its status, its head as it came, and its body. */
export interface HttpAnswer {
  status: number
  head: string
  body: string
}

const headEnd = '\r\n\r\n'
/** No answer of the shop is longer than this. */
const answerBytesMax = 1024 * 1024

/**
 * One kept-alive HTTP/1.1 connection with one request under way, for load generators: it costs a tenth of the processor
 * time of a general client, so on the machine that it measures it disturbs little. It understands answers with a
 * `Content-Length` and nothing else, and never sends a request again.
 */
export class HttpConnection {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer | null = null
  #onAnswer: ((error: Error | null, answer: HttpAnswer) => void) | null = null
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
  static open(host: string, port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new HttpConnection(socket, `${host}:${port}`))
      })
    })
  }

  /** A GET request as it goes over the wire. */
  get(path: string): string {
    return `GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`
  }

  /** A POST request of a JSON text, with an idempotency key, as it goes over the wire. ASCII only. */
  post(path: string, json: string, key: string): string {
    const length = Buffer.byteLength(json)
    const headers = `host: ${this.#host}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n`
    return `POST ${path} HTTP/1.1\r\n${headers}idempotency-key: ${key}\r\n\r\n${json}`
  }

  /** Sends a request and calls back once, with its answer or why there is none. One request at a time. */
  send(request: string, onAnswer: (error: Error | null, answer: HttpAnswer) => void) {
    if (this.#onAnswer !== null) throw new Error(`${this.#host}: a request is under way`)
    if (this.#broken !== null) return onAnswer(this.#broken, noAnswer)
    this.#onAnswer = onAnswer
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.destroy()
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
    onAnswer?.(null, { status: Number(head.slice(9, 12)), head, body: bytes.toString('utf8', bodyFrom, bodyTo) })
  }

  #wait(bytes: Buffer): void {
    this.#received = bytes
    if (bytes.length > answerBytesMax) this.#break(new Error(`${this.#host}: an answer over ${answerBytesMax} bytes`))
  }

  #break(error: Error): void {
    this.#broken ??= error
    this.#socket.destroy()
    const onAnswer = this.#onAnswer
    this.#onAnswer = null
    onAnswer?.(this.#broken, noAnswer)
  }
}

const noAnswer: HttpAnswer = { status: 0, head: '', body: '' }

import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { BazaarError } from './errors.ts'
import { LineSplitter } from './line-splitter.ts'

/** Connections a client opens to one peer, each with one request under way; more requests wait in their order. */
export const connectionsMax = 32
/** How long a request may take, from the call to the last byte of its answer, unless the caller says otherwise. */
export const requestTimeoutMs = 5_000
/** The longest line of a stream. One of the log has at most `logLineBytesMax`, which is a small part of it. */
export const lineBytesMax = 64 * 1024
/** A stream of heartbeats every 100 ms that is silent for this long is as good as closed. */
export const idleTimeoutMs = 1_000

/** The peer refused, closed or did not answer in time, so the outcome of the request is unknown. `cause` has the reason. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

export interface RequestOptions {
  timeoutMs?: number | undefined
  /** Aborts the request, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  headers?: Record<string, string> | undefined
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: unknown
}

/**
 * HTTP to one peer over kept-alive connections: a thin layer on undici's `Pool` with a time-out for the whole request
 * and typed errors. `target` is a URL (`http://127.0.0.1:8080`) or the path of a unix socket.
 *
 * `Pool.request` and not `dispatch`: a handler of one's own saves about 10 % of a hop's CPU and costs a state machine.
 */
export class Requester {
  readonly #target: string
  readonly #pool: Pool

  constructor(target: string, connections: number = connectionsMax) {
    const overTcp = /^https?:\/\//.test(target)
    this.#target = target
    // Every request has one time-out of its own, so undici's are off.
    const options = { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }
    this.#pool = overTcp ? new Pool(target, options) : new Pool('http://localhost', { ...options, socketPath: target })
  }

  /**
   * One request and its JSON answer, `body` being JSON text.
   *
   * @throws BazaarError the error that the peer answered; ConnectionError when there was no usable answer in time
   */
  async call(method: Dispatcher.HttpMethod, path: string, body?: string, options?: RequestOptions): Promise<Answer> {
    return successOf(await this.send(method, path, body, options))
  }

  /** As `call`, but an error that the peer answered is returned like any other answer. */
  async send(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: string,
    options: RequestOptions = {},
  ): Promise<Answer> {
    const deadline = new Deadline(options.timeoutMs ?? requestTimeoutMs, options.signal)
    try {
      const headers = body === undefined ? options.headers : { 'content-type': 'application/json', ...options.headers }
      const answer = await this.#pool.request({
        method,
        path,
        signal: deadline.signal,
        ...(headers && { headers }),
        ...(body !== undefined && { body }),
      })
      const text = await answer.body.text()
      return { status: answer.statusCode, headers: answer.headers, body: text === '' ? null : JSON.parse(text) }
    } catch (error) {
      throw this.#typed(error, `${method} ${path}`, deadline)
    } finally {
      deadline.clear()
    }
  }

  /**
   * An endless answer's lines as they came, with their newlines: one buffer for each chunk that completed any. The
   * iteration rejects with a ConnectionError when the peer ends it or is silent for `idleMs`; leaving the loop closes the
   * connection.
   *
   * @throws BazaarError, ConnectionError as `call` does
   */
  async lines(
    path: string,
    options: { idleMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<AsyncIterable<Buffer>> {
    const what = `GET ${path}`
    const deadline = new Deadline(options.idleMs ?? idleTimeoutMs, options.signal)
    try {
      const answer = await this.#pool.request({ method: 'GET', path, signal: deadline.signal })
      if (answer.statusCode === 200) return this.#chunks(what, answer.body, deadline)
      const error = BazaarError.from(await answer.body.json())
      throw error ?? new Error(`answered ${answer.statusCode} without an error body`)
    } catch (error) {
      deadline.clear()
      throw this.#typed(error, what, deadline)
    }
  }

  /**
   * A connection of its own, upgraded to another protocol (RFC 9110, 7.8); the caller destroys it. The time-out is that
   * of the upgrade.
   *
   * @throws ConnectionError when the peer does not take up the protocol in time
   */
  async upgrade(path: string, protocol: string, { timeoutMs }: { timeoutMs: number }): Promise<Duplex> {
    const deadline = new Deadline(timeoutMs, undefined)
    try {
      const { socket } = await this.#pool.upgrade({ method: 'GET', path, protocol, signal: deadline.signal })
      return socket
    } catch (error) {
      throw this.#typed(error, `upgrade of ${path}`, deadline)
    } finally {
      deadline.clear()
    }
  }

  /** The error that says why there is no answer from this peer. */
  failure(what: string, reason: string, cause?: unknown): ConnectionError {
    return new ConnectionError(`${this.#target}: ${what}: ${reason}`, { cause })
  }

  /** Closes all connections; requests under way reject with a ConnectionError. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async *#chunks(what: string, body: AsyncIterable<Buffer>, deadline: Deadline): AsyncGenerator<Buffer> {
    try {
      const splitter = new LineSplitter(lineBytesMax)
      for await (const chunk of body) {
        deadline.restart()
        const lines = splitter.pushBytes(chunk)
        if (lines.length > 0) yield lines
      }
      throw new Error('the stream ended')
    } catch (error) {
      throw this.#typed(error, what, deadline)
    } finally {
      deadline.clear()
    }
  }

  #typed(error: unknown, what: string, deadline: Deadline): unknown {
    if (error instanceof BazaarError) return error
    if (deadline.abortedByCaller) return deadline.signal.reason
    const reason = deadline.expired ? `no answer within ${deadline.timeoutMs} ms` : (error as Error).message
    return this.failure(what, reason, error)
  }
}

/** The answer itself, or its error thrown. An error without a body of ours comes from no process of ours. */
export function successOf(answer: Answer): Answer {
  if (answer.status < 400) return answer
  throw BazaarError.from(answer.body) ?? new ConnectionError(`answered ${answer.status} without an error body`)
}

/** A time-out and the caller's signal in one; cheaper than `AbortSignal.any` with `AbortSignal.timeout`. */
class Deadline {
  readonly timeoutMs: number
  expired = false
  readonly #controller = new AbortController()
  readonly #callers: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout
  readonly #abort = () => this.#controller.abort(this.#callers?.reason)

  constructor(timeoutMs: number, callers: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs
    this.#callers = callers
    this.#timer = setTimeout(() => {
      this.expired = true
      this.#controller.abort()
    }, timeoutMs)
    if (callers?.aborted) this.#abort()
    else callers?.addEventListener('abort', this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get abortedByCaller(): boolean {
    return this.#callers?.aborted === true && !this.expired
  }

  restart(): void {
    this.#timer.refresh()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#callers?.removeEventListener('abort', this.#abort)
  }
}

import type { Duplex } from 'node:stream'
import { type AnswerLine, type CallKind, type CallLine, callLineBytesMax } from './call-protocol.ts'
import { BazaarError } from './errors.ts'
import { LineSplitter } from './line-splitter.ts'
import { type ConnectionError, type Requester, requestTimeoutMs } from './request.ts'

interface Pending<Result> {
  resolve: (result: Result) => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
  /** How many answers had been heard when it was sent. */
  heard: number
}

/**
 * Calls to one process, and their results, as lines on one HTTP connection that was upgraded. A request of its own for
 * each takes two to three times the processor time on either side, and longer: see "Where this differs" in DESIGN.md.
 * Connects with the first call, and again after a failure.
 */
export class CallChannel<Asked, Result> {
  readonly #requester: Requester
  readonly #kind: CallKind
  readonly #pending = new Map<number, Pending<Result>>()
  #lastId = 0
  #heard = 0
  #socket: Duplex | null = null
  #opening: Promise<Duplex> | null = null
  #closed = false

  constructor(requester: Requester, kind: CallKind) {
    this.#requester = requester
    this.#kind = kind
  }

  /**
   * Asks, and resolves with the result.
   *
   * @throws BazaarError what the process answered; ConnectionError when it did not within `timeoutMs`. If it
   * answered no other call meanwhile, the connection is given up, with all calls under way on it.
   */
  call(asked: Asked, timeoutMs: number = requestTimeoutMs): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#failure('closed'))
      const id = ++this.#lastId
      const timer = setTimeout(() => this.#timedOut(id, timeoutMs), timeoutMs)
      this.#pending.set(id, { resolve, reject, timer, heard: this.#heard })
      const line = `${JSON.stringify({ id, call: asked } satisfies CallLine<Asked>)}\n`
      if (this.#socket !== null) this.#socket.write(line)
      else this.#sendOnceOpen(line, id, timeoutMs)
    })
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closed = true
    this.#fail('closed')
  }

  #sendOnceOpen(line: string, id: number, timeoutMs: number): void {
    this.#opening ??= this.#open(timeoutMs)
    this.#opening.then(
      socket => {
        if (this.#pending.has(id)) socket.write(line)
      },
      error => this.#settle(id)?.reject(error),
    )
  }

  async #open(timeoutMs: number): Promise<Duplex> {
    const { path, protocol } = this.#kind
    try {
      const socket = await this.#requester.upgrade(path, protocol, { timeoutMs })
      if (this.#closed) socket.destroy()
      else this.#listen(socket)
      return socket
    } finally {
      this.#opening = null
    }
  }

  #listen(socket: Duplex): void {
    const splitter = new LineSplitter(callLineBytesMax)
    this.#socket = socket
    const failed = (why: string): void => {
      if (this.#socket === socket) this.#fail(why)
      else socket.destroy()
    }
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of splitter.push(chunk)) this.#answer(JSON.parse(line))
      } catch (error) {
        failed((error as Error).message)
      }
    })
    socket.on('end', () => failed('the peer ended the connection'))
    socket.on('error', error => failed(error.message))
    socket.on('close', () => failed('the connection was closed'))
  }

  #answer(answer: AnswerLine<Result>): void {
    const pending = this.#settle(answer.id)
    this.#heard++
    if (answer.error === undefined) pending?.resolve(answer.result)
    else pending?.reject(BazaarError.from(answer) ?? this.#failure(answer.error.message))
  }

  #settle(id: number): Pending<Result> | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    clearTimeout(pending.timer)
    this.#pending.delete(id)
    return pending
  }

  /** A process that answers others has a reason to let this one wait. */
  #timedOut(id: number, timeoutMs: number): void {
    const why = `no answer within ${timeoutMs} ms`
    if (this.#heard === this.#pending.get(id)?.heard) this.#fail(why)
    else this.#settle(id)?.reject(this.#failure(why))
  }

  /** The outcome of everything under way is unknown. */
  #fail(why: string): void {
    this.#socket?.destroy()
    this.#socket = null
    const error = this.#failure(why)
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error)
  }

  #failure(why: string): ConnectionError {
    return this.#requester.failure(this.#kind.path, why)
  }
}

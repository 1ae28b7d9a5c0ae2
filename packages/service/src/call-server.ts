import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  type AnswerLine,
  BazaarError,
  type CallKind,
  type CallLine,
  callLineBytesMax,
  type ErrorBody,
  LineSplitter,
} from '@bazaar/client/contract'
import { internalError } from './error-handler.ts'

/** Channels open at a time; more are refused. */
const channelsMax = 64
/** A caller that has not taken so many bytes of its answers is cut off. */
const unsentBytesMax = 8 << 20
/** How long callers have, once the server stops, for taking what they were answered. */
const stopTimeoutMs = 1000

/** Carries out what a caller asked, which may be anything; its errors are the caller's answer. */
export type Execute = (asked: unknown) => Promise<unknown>

/** Calls of one kind, and what is done with them. */
export interface ServedCalls {
  readonly kind: CallKind
  readonly execute: Execute
}

/** A process's end of the `CallChannel`s of `@bazaar/client`. */
export class CallServer {
  readonly #served: readonly ServedCalls[]
  readonly #onBug: (error: unknown) => void
  /** Each with the number of its calls under way. */
  readonly #channels = new Map<Duplex, number>()
  #stopping = false

  /**
   * @param served each on a path of its own
   * @param onBug hears of what `execute` throws that is no BazaarError; the caller is told nothing of its cause
   */
  constructor(server: Server, served: readonly ServedCalls[], onBug: (error: unknown) => void) {
    this.#served = served
    this.#onBug = onBug
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#accept(request, socket, head),
    )
  }

  /** Ends each channel once its calls are answered, or when the time for that is up. */
  stop(): void {
    this.#stopping = true
    for (const socket of this.#channels.keys()) this.#endIfIdle(socket)
    setTimeout(() => {
      for (const socket of this.#channels.keys()) socket.destroy()
    }, stopTimeoutMs).unref()
  }

  #accept({ url, headers }: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const calls = this.#served.find(({ kind }) => kind.path === url && kind.protocol === headers.upgrade)
    if (calls === undefined) refuse(socket, '400 Bad Request')
    else if (this.#stopping || this.#channels.size >= channelsMax) refuse(socket, '503 Service Unavailable')
    else this.#open(calls, socket, head)
  }

  #open({ kind, execute }: ServedCalls, socket: Duplex, head: Buffer): void {
    this.#channels.set(socket, 0)
    socket.on('close', () => this.#channels.delete(socket))
    socket.on('end', () => socket.end())
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${kind.protocol}\r\n\r\n`)
    const splitter = new LineSplitter(callLineBytesMax)
    const take = (chunk: Buffer): void => {
      try {
        for (const line of splitter.push(chunk)) void this.#answer(execute, socket, callOf(line))
      } catch {
        // Not of this protocol: what comes next on this connection cannot be told either.
        socket.destroy()
      }
    }
    if (head.length > 0) take(head)
    socket.on('data', take)
  }

  async #answer(execute: Execute, socket: Duplex, { id, call }: CallLine<unknown>): Promise<void> {
    this.#count(socket, 1)
    const answer = await execute(call).then(
      (result): AnswerLine<unknown> => ({ id, result }),
      (error): AnswerLine<unknown> => ({ id, ...this.#bodyOf(error) }),
    )
    this.#count(socket, -1)
    if (socket.destroyed) return
    socket.write(`${JSON.stringify(answer)}\n`)
    if (socket.writableLength > unsentBytesMax) socket.destroy()
    else if (this.#stopping) this.#endIfIdle(socket)
  }

  #bodyOf(error: unknown): ErrorBody {
    if (error instanceof BazaarError) return error.toBody()
    this.#onBug(error)
    return internalError().toBody()
  }

  #count(socket: Duplex, difference: number): void {
    const calls = this.#channels.get(socket)
    if (calls !== undefined) this.#channels.set(socket, calls + difference)
  }

  #endIfIdle(socket: Duplex): void {
    if (this.#channels.get(socket) === 0) end(socket)
  }
}

/** @throws Error when the line is no call; what it asks is for whoever carries it out to judge */
function callOf(line: string): CallLine<unknown> {
  const call: CallLine<unknown> | null = JSON.parse(line)
  if (!Number.isSafeInteger(call?.id)) throw new Error('a call without an id')
  return call as CallLine<unknown>
}

function refuse(socket: Duplex, status: string): void {
  socket.resume()
  end(socket, `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}

/** Closes the connection after the last bytes are sent, without waiting for the other end to close its own. */
function end(socket: Duplex, lastBytes = ''): void {
  socket.end(lastBytes, () => socket.destroy())
}

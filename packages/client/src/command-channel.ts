import type { Duplex } from 'node:stream'
import {
  type CommandAnswer,
  type CommandCall,
  commandLineBytesMax,
  commandPath,
  commandProtocol,
} from './command-protocol.ts'
import { BazaarError } from './errors.ts'
import { LineSplitter } from './line-splitter.ts'
import { type ConnectionError, type Requester, requestTimeoutMs } from './request.ts'
import type { Command, CommandResult } from './schemas.ts'

interface Pending {
  resolve: (results: CommandResult[]) => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
}

/**
 * Commands for one replica, and their results, as lines on one HTTP connection that was upgraded. A request of its own
 * for each batch takes two to three times the processor time on either side, and longer: see "Where this differs" in
 * DESIGN.md. Connects with the first call, and again after a failure.
 */
export class CommandChannel {
  readonly #requester: Requester
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #socket: Duplex | null = null
  #opening: Promise<Duplex> | null = null
  #closed = false

  constructor(requester: Requester) {
    this.#requester = requester
  }

  /**
   * Sends the commands. Safe to repeat after any error, because every command has a key.
   *
   * @throws BazaarError what the replica answered; ConnectionError when it did not within `timeoutMs`. Then the
   * connection is given up, with all calls under way on it.
   */
  execute(commands: readonly Command[], timeoutMs: number = requestTimeoutMs): Promise<CommandResult[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#requester.failure(commandPath, 'closed'))
      const id = ++this.#lastId
      const timer = setTimeout(() => this.#fail(`no answer within ${timeoutMs} ms`), timeoutMs)
      this.#pending.set(id, { resolve, reject, timer })
      const line = `${JSON.stringify({ id, commands } satisfies CommandCall)}\n`
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
    try {
      const socket = await this.#requester.upgrade(commandPath, commandProtocol, { timeoutMs })
      if (this.#closed) socket.destroy()
      else this.#listen(socket)
      return socket
    } finally {
      this.#opening = null
    }
  }

  #listen(socket: Duplex): void {
    const splitter = new LineSplitter(commandLineBytesMax)
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
    socket.on('end', () => failed('the replica ended the connection'))
    socket.on('error', error => failed(error.message))
    socket.on('close', () => failed('the connection was closed'))
  }

  #answer(answer: CommandAnswer): void {
    const pending = this.#settle(answer.id)
    if (answer.error === undefined) pending?.resolve(answer.results)
    else pending?.reject(BazaarError.from(answer) ?? this.#requester.failure(commandPath, answer.error.message))
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    clearTimeout(pending.timer)
    this.#pending.delete(id)
    return pending
  }

  /** The outcome of everything under way is unknown. */
  #fail(why: string): void {
    this.#socket?.destroy()
    this.#socket = null
    const error: ConnectionError = this.#requester.failure(commandPath, why)
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error)
  }
}

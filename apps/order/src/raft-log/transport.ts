import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Clock, claimSocket } from '@bazaar/client/contract'
import type { MemberId, Message } from '@bazaar/raft'
import { encode, MessageReader } from './wire.ts'

/** Best effort, in order per connection: Raft repeats what is lost. */
export interface Transport {
  /**
   * Sends if there is a connection; drops the message otherwise. `lines` are the lines of its entries; they need to be good
   * only until it returns.
   */
  send(message: Message, lines: Uint8Array): void
  /** Set before `start`. */
  onMessage: (message: Message) => void
  /** A connection *to* the member was made: what was sent on the last one may be lost. */
  onConnected: (member: MemberId) => void
  /** The member's connection *to us* was closed: most often the member died. */
  onClosed: (member: MemberId) => void
  start(): Promise<void>
  /** From then on nothing is heard or sent. */
  stop(): Promise<void>
  /** Lets another process take its place. */
  release(): Promise<void>
}

const reconnectMs = 20
/** Unsent bytes per peer above which messages are dropped, so that a paused peer does not fill the memory. */
const unsentBytesMax = 8 << 20
const connectionsMax = 64
/**
 * A message whose lines are longer than this is written into a buffer that is used again once it is sent: one of its own
 * for each would have V8 collect the leader's garbage twice a second while a replica catches up. Shorter ones share
 * Node's pool.
 */
const shortLinesBytesMax = Buffer.poolSize >>> 1
const longMessageBytes = 128 << 10
/** So many of these buffers are kept. */
const spareBuffersMax = 8

export interface UnixTransportOptions {
  readonly id: MemberId
  readonly members: readonly MemberId[]
  readonly entriesPerAppendMax: number
  readonly clock: Clock
  /** Where member `id` listens. */
  readonly socketOf: (id: MemberId) => string
}

/**
 * Persistent unix sockets, one each way between any two replicas. The one that a replica listens on is also its claim on
 * its folder: two processes there would each undo what the other keeps.
 */
export class UnixTransport implements Transport {
  readonly #options: UnixTransportOptions
  readonly #outgoing = new Map<MemberId, Socket>()
  readonly #incoming = new Set<Socket>()
  readonly #spareBuffers: Buffer[] = []
  readonly #server: Server
  #started = false
  #stopped = false
  onMessage: (message: Message) => void = () => {}
  onConnected: (member: MemberId) => void = () => {}
  onClosed: (member: MemberId) => void = () => {}

  constructor(options: UnixTransportOptions) {
    this.#options = options
    this.#server = createServer({ pauseOnConnect: true }, socket => this.#accept(socket))
    this.#server.maxConnections = connectionsMax
  }

  /**
   * Listens, but hears nothing before `start`. To be called before anything in the folder is touched.
   *
   * @throws Error when another process has the place
   */
  async claim(): Promise<void> {
    const path = this.#options.socketOf(this.#options.id)
    if (!(await claimSocket(this.#server, path))) throw new Error(`${path}: another process listens there`)
    // A connection that could not be accepted, as with too many files open: the member makes another.
    this.#server.on('error', () => {})
  }

  async start(): Promise<void> {
    const { id, members } = this.#options
    if (!this.#server.listening) await this.claim()
    this.#started = true
    for (const socket of this.#incoming) socket.resume()
    for (const member of members) if (member !== id) this.#connect(member)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const socket of [...this.#outgoing.values(), ...this.#incoming]) socket.destroy()
  }

  async release(): Promise<void> {
    await new Promise(resolve => this.#server.close(resolve))
  }

  send(message: Message, lines: Uint8Array): void {
    const socket = this.#outgoing.get(message.to)
    if (socket === undefined || socket.connecting || socket.writableLength > unsentBytesMax) return
    if (lines.length > shortLinesBytesMax) this.#sendLong(socket, message, lines)
    else socket.write(encode(message, lines))
  }

  #sendLong(socket: Socket, message: Message, lines: Uint8Array): void {
    const buffer = this.#spareBuffers.pop() ?? Buffer.allocUnsafeSlow(longMessageBytes)
    socket.write(encode(message, lines, buffer), () => {
      if (this.#spareBuffers.length < spareBuffersMax) this.#spareBuffers.push(buffer)
    })
  }

  #connect(member: MemberId): void {
    const { clock, socketOf } = this.#options
    if (this.#stopped) return
    const socket = connect(socketOf(member))
    this.#outgoing.set(member, socket)
    socket.on('connect', () => this.onConnected(member))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#outgoing.delete(member)
      if (!this.#stopped) clock.setTimer(() => this.#connect(member), reconnectMs)
    })
    socket.resume()
  }

  #accept(socket: Socket): void {
    if (this.#stopped) return void socket.destroy()
    const reader = new MessageReader(this.#options.entriesPerAppendMax)
    let member: MemberId | null = null
    this.#incoming.add(socket)
    socket.on('data', chunk => {
      try {
        for (const message of reader.read(chunk)) {
          this.#checkAddress(message)
          member = message.from
          this.onMessage(message)
        }
      } catch {
        socket.destroy()
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#incoming.delete(socket)
      if (member !== null && !this.#stopped) this.onClosed(member)
    })
    if (this.#started) socket.resume()
  }

  /** A process may be left of a cluster that had this folder before, and had more members. */
  #checkAddress({ from, to }: Message): void {
    const { id, members } = this.#options
    if (to !== id || from === id || !members.includes(from)) throw new Error(`a message from ${from} to ${to}`)
  }
}

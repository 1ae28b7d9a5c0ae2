import type { MemberId, Message } from '@bazaar/raft'
import type { Transport } from '../../apps/order/src/raft-log/transport.ts'
import { encode, MessageReader } from '../../apps/order/src/raft-log/wire.ts'
import type { Life } from './life.ts'
import type { Network } from './network.ts'

const reconnectMs = 20

interface Connection {
  readonly peer: PeerTransport
  /** When the last message that keeps its place arrives. */
  lastArrival: number
  closed: boolean
  /** The other side has heard who is speaking. */
  known: boolean
}

export interface PeerTransportOptions {
  readonly id: MemberId
  readonly members: readonly MemberId[]
  readonly nameOf: (id: MemberId) => string
  readonly entriesPerAppendMax: number
  readonly life: Life
  readonly network: Network
  /** All transports that are up, by member. */
  readonly peers: Map<MemberId, PeerTransport>
  /** The time by which arrivals are ordered. */
  readonly now: () => number
  readonly trace: (text: string) => void
}

/** What unix sockets do for replicas, with the real wire format, over the simulated network. */
export class PeerTransport implements Transport {
  readonly #options: PeerTransportOptions
  readonly #outgoing = new Map<MemberId, Connection>()
  onMessage: (message: Message) => void = () => {}
  onConnected: (member: MemberId) => void = () => {}
  onClosed: (member: MemberId) => void = () => {}

  constructor(options: PeerTransportOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { id, members, life, network, peers, nameOf } = this.#options
    if (!life.calls()) return
    peers.set(id, this)
    life.onEnd(() => this.#end())
    network.onCut(life, (one, other) => {
      for (const member of members) {
        const pair = [nameOf(id), nameOf(member)]
        if (pair.includes(one) && pair.includes(other) && one !== other) this.#close(member)
      }
    })
    for (const member of members) if (member !== id) this.#connect(member)
  }

  async stop(): Promise<void> {
    this.#end()
  }

  async release(): Promise<void> {}

  send(message: Message, lines: Uint8Array): void {
    const { network, nameOf, life, now, id, trace } = this.#options
    const connection = this.#outgoing.get(message.to)
    if (!life.calls() || connection === undefined || connection.closed) return
    const [from, to] = [nameOf(id), nameOf(message.to)]
    trace(`${from} → ${to} ${JSON.stringify(message)}`)
    if (network.blocked(from, to)) return
    const chunk = encode(message, lines)
    for (const { delayMs, overtaken } of network.arrivals()) {
      const arrival = overtaken ? now() + delayMs : Math.max(connection.lastArrival, now() + delayMs)
      if (!overtaken) connection.lastArrival = arrival
      connection.peer.#receive(connection, chunk, arrival - now())
    }
  }

  #receive(connection: Connection, chunk: Buffer, delayMs: number): void {
    const { life, entriesPerAppendMax } = this.#options
    life.after(delayMs, () => {
      if (connection.closed) return
      connection.known = true
      for (const message of new MessageReader(entriesPerAppendMax).read(chunk)) this.onMessage(message)
    })
  }

  #connect(member: MemberId): void {
    const { network, nameOf, life, peers, id } = this.#options
    life.after(network.delay(), () => {
      const [from, to] = [nameOf(id), nameOf(member)]
      const peer = peers.get(member)
      // A paused process accepts connections: its system does that for it.
      if (peer === undefined || network.blocked(from, to) || network.blocked(to, from)) {
        life.after(reconnectMs, () => this.#connect(member))
        return
      }
      this.#outgoing.set(member, { peer, lastArrival: 0, closed: false, known: false })
      this.onConnected(member)
    })
  }

  /** The connection to the member closes: both sides notice. */
  #close(member: MemberId): void {
    const { life, network, id } = this.#options
    const connection = this.#outgoing.get(member)
    if (connection === undefined) return
    this.#outgoing.delete(member)
    connection.closed = true
    const { peer, known } = connection
    if (known) peer.#options.life.after(network.delay(), () => peer.onClosed(id))
    life.after(reconnectMs, () => this.#connect(member))
  }

  #end(): void {
    const { id, peers } = this.#options
    if (peers.get(id) !== this) return
    peers.delete(id)
    for (const member of [...this.#outgoing.keys()]) this.#close(member)
    for (const peer of peers.values()) peer.#close(id)
  }
}

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { crc32 } from 'node:zlib'
import {
  BazaarError,
  type Command,
  type CommandResult,
  commandCalls,
  type Fact,
  LineCursor,
  OrderClient,
  type OrderStatus,
  socketPath,
} from '@bazaar/client'
import { CallServer } from '@bazaar/service'
import type { Replica } from '../src/replica.ts'

const heartbeatIntervalMs = 100

/** One line of the log, without its newline. */
export function lineOf(index: number, term: number, fact: Fact): string {
  const body = JSON.stringify({ index, term, ...fact })
    .slice(0, -1)
    .replace(/[^\x20-\x7e]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${body},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}`
}

/** Lines as they are streamed. */
export function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map(line => `${line}\n`).join(''), 'latin1')
}

/** A cursor at a line. */
export function cursorAt(line: string): LineCursor {
  const cursor = new LineCursor(bytesOf([line]))
  cursor.next()
  return cursor
}

/**
 * Order replicas as the catalog sees them: real HTTP on real unix sockets around one log in memory, with a leader chosen
 * by the test and replicas that can stop, fall silent, or send what they should not.
 */
export class FakeCluster {
  readonly replicas: FakeReplica[]
  /** So many of the last entries the replicas do not know to be committed. */
  uncommitted = 0
  lines: string[] = []
  term = 0
  leader: string | null = null
  /** Every command that was asked of the leader, in order. */
  readonly asked: Command[] = []
  #products = new Map<string, { price: number; quantity: number }>()
  #keys = new Map<string, { command: string; result: CommandResult }>()
  #orders = 0

  constructor(folder: string, replicas = 3) {
    this.replicas = Array.from({ length: replicas }, (_, at) => new FakeReplica(this, `order-${at + 1}`, folder))
  }

  /** Starts all replicas and lets the last one lead. */
  async start(): Promise<this> {
    await Promise.all(this.replicas.map(replica => replica.start()))
    this.elect(this.replicas.at(-1)?.name ?? '')
    return this
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map(replica => replica.stop()))
  }

  /** A new term with this leader, and its first entry. */
  elect(leader: string): void {
    this.leader = leader
    this.term += 1
    this.append({ type: 'noop' })
  }

  replica(name: string | null): FakeReplica {
    const replica = this.replicas.find(each => each.name === name)
    assert(replica !== undefined, `no replica ${name}`)
    return replica
  }

  /** Clients of all replicas. */
  clients(): [Replica, ...Replica[]] {
    const toReplica = ({ name, socket }: FakeReplica): Replica => ({ name, client: new OrderClient(socket) })
    return this.replicas.map(toReplica) as [Replica, ...Replica[]]
  }

  /** Commits a fact and returns its index. */
  append(fact: Fact): number {
    const index = this.lines.push(lineOf(this.lines.length + 1, this.term, fact))
    for (const replica of this.replicas) replica.send()
    return index
  }

  /** All replicas lose everything, as if their folders were deleted. */
  wipe(): void {
    this.lines = []
    this.#products = new Map()
    this.#keys = new Map()
    this.#orders = 0
    for (const replica of this.replicas) replica.hangUp()
  }

  /** What the real order service would do, for the commands that tests use. */
  execute(command: Command): CommandResult {
    this.asked.push(command)
    const known = this.#keys.get(command.key)
    if (known !== undefined) {
      if (known.command === JSON.stringify(command)) return known.result
      return { error: { code: 422, reason: 'KEY_REUSED', message: command.key } }
    }
    const before = this.lines.length
    const result = this.#judge(command)
    if (this.lines.length > before) this.#keys.set(command.key, { command: JSON.stringify(command), result })
    return result
  }

  #judge(command: Command): CommandResult {
    if (command.type === 'seeded') return { index: this.append(command) }
    const { name } = command
    const product = this.#products.get(name)
    if (command.type === 'product') {
      if (product !== undefined) return { index: this.lines.length }
      this.#products.set(name, { price: command.price, quantity: command.quantity ?? 0 })
      return { index: this.append(command) }
    }
    if (product === undefined) return { error: { code: 404, reason: 'PRODUCT_NOT_FOUND', message: name } }
    const { quantity, key } = command
    if (command.type === 'buy' || command.type === 'sell') {
      product.quantity += command.type === 'buy' ? -quantity : quantity
      this.#orders += 1
      return {
        index: this.append({ type: command.type, number: this.#orders, name, quantity, price: product.price, key }),
      }
    }
    if (command.type === 'restock' && product.quantity > 0) return { index: this.lines.length }
    product.quantity += quantity
    return { index: this.append({ type: 'stock', name, quantity, key }) }
  }

  /** Buys one unit at the leader; the index that a look-up must have applied to show it. */
  buy(name: string, key = `buy-${this.lines.length}`): number {
    const result = this.execute({ type: 'buy', key, name, quantity: 1 })
    assert(result.error === undefined, result.error?.message)
    return result.index
  }
}

/** One replica. Change its fields to make it behave badly. */
export class FakeReplica {
  readonly name: string
  readonly socket: string
  /** As if stopped by SIGSTOP: connections open, nothing is answered. */
  paused = false
  /** Bytes per write of the stream; 0 writes lines as a whole. */
  pieceBytes = 0
  streamsEndAtOnce = false
  /** What this replica sends instead of a line. */
  mangle: (line: string) => string = line => line
  /** How often its log was asked for, and after which index. */
  readonly askedAfter: number[] = []
  readonly #cluster: FakeCluster
  readonly #streams = new Map<ServerResponse, number>()
  readonly #connections = new Set<Socket>()
  #server: Server | null = null

  constructor(cluster: FakeCluster, name: string, folder: string) {
    this.#cluster = cluster
    this.name = name
    this.socket = socketPath(folder, name)
  }

  get followers(): number {
    return this.#streams.size
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response))
    server.on('connection', connection => {
      this.#connections.add(connection)
      connection.on('close', () => this.#connections.delete(connection))
    })
    const execute = async (commands: unknown) => this.#execute(commands as Command[])
    new CallServer(server, [{ kind: commandCalls, execute }], assert.ifError)
    await new Promise<void>(resolve => server.listen(this.socket, resolve))
    const heartbeat = setInterval(() => this.#toAll('\n'), heartbeatIntervalMs)
    server.on('close', () => clearInterval(heartbeat))
    this.#server = server
  }

  /** Stops answering and closes everything, as SIGKILL does. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    this.hangUp()
    for (const connection of this.#connections) connection.destroy()
    await new Promise(resolve => server.close(resolve))
  }

  /** Cuts its streams. */
  hangUp(): void {
    for (const response of this.#streams.keys()) response.destroy()
    this.#streams.clear()
  }

  /** Sends what is committed and not sent yet. */
  send(): void {
    if (this.paused) return
    for (const [response, sent] of this.#streams) {
      const lines = this.#cluster.lines.slice(sent).map(line => `${this.mangle(line)}\n`)
      this.#streams.set(response, Math.max(sent, this.#cluster.lines.length))
      this.#write(response, lines.join(''))
    }
  }

  #write(response: ServerResponse, text: string): void {
    const step = this.pieceBytes || text.length || 1
    for (let at = 0; at < text.length; at += step) response.write(text.slice(at, at + step))
  }

  #toAll(text: string): void {
    if (this.paused) return
    for (const response of this.#streams.keys()) response.write(text)
  }

  #execute(commands: Command[]): CommandResult[] | Promise<never> {
    if (this.paused) return new Promise(() => undefined)
    const { leader } = this.#cluster
    if (leader !== this.name) throw new BazaarError('NOT_LEADER', 'not me', leader)
    return commands.map(command => this.#cluster.execute(command))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.paused) return
    const url = new URL(request.url ?? '', 'http://replica')
    if (url.pathname === '/log') this.#follow(response, Number(url.searchParams.get('after')))
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.#status()))
  }

  #follow(response: ServerResponse, after: number): void {
    this.askedAfter.push(after)
    response.writeHead(200)
    response.flushHeaders()
    if (this.streamsEndAtOnce) return void response.end()
    response.on('close', () => this.#streams.delete(response))
    this.#streams.set(response, after)
    this.send()
  }

  #status(): OrderStatus {
    const { leader, term, lines, uncommitted } = this.#cluster
    return {
      name: this.name,
      role: leader === this.name ? 'leader' : 'follower',
      term,
      leader,
      lastIndex: lines.length,
      commitIndex: lines.length - uncommitted,
      appliedIndex: lines.length,
      orders: 0,
      diskFull: false,
      rssMiB: 1,
    }
  }
}

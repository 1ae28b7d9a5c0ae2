import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BazaarError,
  type Command,
  type CommandResult,
  ConnectionError,
  callLineBytesMax,
  commandCalls,
  OrderClient,
  queryCalls,
} from '@bazaar/client'
import { CallServer } from '@bazaar/service'
import tap, { type Test } from 'tap'

const named = (name: string): Command => ({ type: 'buy', key: `key of ${name}`, name, quantity: 1 })
const resultOf = ({ key }: Command): CommandResult => ({
  index: key.length,
  product: { name: key, price: 1, quantity: 1 },
})
const resultsOf = async (commands: unknown) => (commands as Command[]).map(resultOf)
const upgrade = `GET /commands HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${commandCalls.protocol}\r\n\r\n`

/** An HTTP server on a unix socket of its own, which the test's end stops. */
async function listening(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'bazaar-channel-'))
  const socket = join(folder, 'replica.sock')
  const server = createServer()
  const connections: Socket[] = []
  server.on('connection', connection => connections.push(connection))
  await new Promise<void>(resolve => server.listen(socket, resolve))
  t.teardown(async () => {
    for (const connection of connections) connection.destroy()
    server.close()
    await rm(folder, { recursive: true })
  })
  return { socket, server, connections }
}

/** Both ends of a channel around what executes the commands. */
async function channel(t: Test, execute: (commands: unknown) => Promise<CommandResult[]> = resultsOf) {
  const bugs: unknown[] = []
  const { socket, server, connections } = await listening(t)
  const commands = new CallServer(server, [{ kind: commandCalls, execute }], bug => bugs.push(bug))
  return { client: clientOf(t, socket), commands, server, socket, connections, bugs }
}

/** A replica that takes up the protocol and then does as it likes. */
async function misbehaving(t: Test, onUpgrade: (connection: Socket) => void) {
  const { socket, server, connections } = await listening(t)
  server.on('upgrade', (_request, connection: Socket) => {
    connection.on('error', () => undefined)
    connection.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${commandCalls.protocol}\r\n\r\n`,
    )
    onUpgrade(connection)
  })
  return { client: clientOf(t, socket), connections }
}

function clientOf(t: Test, socket: string): OrderClient {
  const client = new OrderClient(socket)
  t.teardown(() => client.close())
  return client
}

/** What the server sends on a new connection that begins with these bytes, until it ends it. */
async function conversation(socket: string, ...chunks: (string | Buffer)[]): Promise<string> {
  const connection = connect(socket)
  let received = ''
  connection.on('data', chunk => {
    received += chunk
  })
  connection.on('error', () => undefined)
  for (const chunk of chunks) {
    await new Promise(resolve => connection.write(chunk, resolve))
    await new Promise(resolve => setImmediate(resolve))
  }
  await once(connection, 'close')
  return received
}

tap.test('calls travel together on one connection, and each has its own results', async t => {
  const late = Promise.withResolvers<void>()
  const { client, connections } = await channel(t, async commands => {
    const [first] = commands as Command[]
    if (first?.key === 'key of late') await late.promise
    return resultsOf(commands)
  })
  let order = ''
  const slow = client.execute([named('late')]).finally(() => {
    order += 'slow'
  })
  const names = Array.from({ length: 40 }, (_, at) => `Tüx ${'€'.repeat(at * 200)}`)
  const asked = names.map(name => client.execute([named(name), named(`${name}!`)]))
  for (const [at, results] of (await Promise.all(asked)).entries()) {
    t.strictSame(results, [named(`${names[at]}`), named(`${names[at]}!`)].map(resultOf))
  }
  order += 'quick '
  late.resolve()
  t.strictSame(await slow, [resultOf(named('late'))])
  t.equal(order, 'quick slow', 'a slow call holds up nobody')
  t.equal(connections.length, 1)
})

tap.test('calls of two kinds have a connection each', async t => {
  const { socket, server, connections } = await listening(t)
  const order = { number: 7, name: 'Tüx', type: 'buy', quantity: 1, price: 25.99 } as const
  const served = [
    { kind: commandCalls, execute: resultsOf },
    { kind: queryCalls, execute: async (asked: unknown) => (asked === 7 ? order : null) },
  ]
  new CallServer(server, served, t.error)
  const client = clientOf(t, socket)
  t.strictSame(await Promise.all([client.order(7), client.execute([named('x')]), client.order(8)]), [
    order,
    [resultOf(named('x'))],
    null,
  ])
  t.equal(connections.length, 2)
  t.match(await conversation(socket, upgrade.replace('/commands', '/queries')), /^HTTP\/1.1 400 /)
  await client.close()
  await t.rejects(client.order(7), { name: 'ConnectionError', message: /closed/ })
})

tap.test('what the replica refuses is an error of the call, and a bug tells nothing of its cause', async t => {
  const { client, bugs } = await channel(t, async commands => {
    const { length } = commands as Command[]
    if (length === 0) throw new BazaarError('NOT_LEADER', 'ask another', 'order-3')
    throw new Error('the password is swordfish')
  })
  await t.rejects(client.execute([]), { name: 'BazaarError', reason: 'NOT_LEADER', leader: 'order-3', code: 421 })
  await t.rejects(client.execute([named('x')]), { reason: 'INTERNAL', message: /^something went wrong here/ })
  t.match(bugs, [{ message: 'the password is swordfish' }])
})

tap.test('a call without an answer gives up the connection, and the next call has a new one', async t => {
  let answers = true
  const { client, connections } = await channel(t, commands =>
    answers ? resultsOf(commands) : new Promise<never>(() => undefined),
  )
  await client.execute([named('first')])
  answers = false
  const other = client.execute([named('other')], { timeoutMs: 60_000 })
  await t.rejects(client.execute([named('x')], { timeoutMs: 20 }), {
    name: 'ConnectionError',
    message: /no answer within 20 ms/,
  })
  await t.rejects(other, ConnectionError, 'what else was under way is unknown too')
  const [first] = connections as [Socket]
  if (!first.destroyed) await once(first, 'close')
  answers = true
  t.strictSame(await client.execute([named('x')]), [resultOf(named('x'))])
  t.equal(connections.length, 2)
})

tap.test('a call that waits for long takes no others with it while they are answered', async t => {
  const { client, connections } = await channel(t, async commands => {
    if ((commands as Command[]).length === 0) return new Promise<never>(() => undefined)
    return resultsOf(commands)
  })
  const waiting = client.execute([], { timeoutMs: 60_000 })
  waiting.catch(() => undefined)
  const late = client.execute([], { timeoutMs: 1_000 })
  await client.execute([named('x')])
  await t.rejects(late, { name: 'ConnectionError', message: /no answer within 1000 ms/ })
  t.strictSame(await client.execute([named('y')]), [resultOf(named('y'))])
  t.equal(connections.length, 1)
})

tap.test('a connection that is refused, cut, ended or full of nonsense rejects what is under way', async t => {
  const { client: early, socket: place, server: late } = await channel(t)
  await new Promise(resolve => late.close(resolve))
  await t.rejects(early.execute([]), { name: 'ConnectionError', message: /ENOENT/ })
  await new Promise<void>(resolve => late.listen(place, resolve))
  t.strictSame(await early.execute([]), [], 'once there is somebody')
  const { client: unheard } = await misbehaving(t, () => undefined)
  await t.rejects(unheard.execute([], { timeoutMs: 20 }), { message: /no answer within 20 ms/ })
  const ends: [string, (connection: Socket) => void, RegExp][] = [
    ['cut', connection => connection.destroy(), /closed|ended/],
    ['ended', connection => connection.end(), /the peer ended the connection/],
    ['nonsense', connection => connection.write('<html>\n'), /not valid JSON/],
    ['null', connection => connection.write('null\n'), /null/],
    ['endless', connection => connection.write('x'.repeat(callLineBytesMax + 1)), /more than \d+ bytes/],
  ]
  for (const [name, end, message] of ends) {
    const { client } = await misbehaving(t, connection => connection.once('data', () => end(connection)))
    await t.rejects(client.execute([named('x')]), { name: 'ConnectionError', message }, name)
  }
  const { socket, server } = await listening(t)
  server.on('upgrade', (_request, connection: Socket) => void connection)
  await t.rejects(clientOf(t, socket).execute([], { timeoutMs: 20 }), { message: /no answer within 20 ms/ })
})

tap.test('an answer nobody waits for is passed over', async t => {
  const { client } = await misbehaving(t, connection =>
    connection.on('data', () => connection.write('{"id":99,"result":[]}\n{"id":1,"result":[]}\n')),
  )
  t.strictSame(await client.execute([]), [])
})

tap.test('a client that is closed answers what is under way, and nothing more', async t => {
  const { client } = await channel(t, () => new Promise<never>(() => undefined))
  const asked = client.execute([named('x')])
  await client.close()
  await t.rejects(asked, { name: 'ConnectionError', message: /closed/ })
  await t.rejects(client.execute([]), { name: 'ConnectionError', message: /closed/ })
})

tap.test('lines may come in any pieces, and with the upgrade itself', async t => {
  const { socket } = await channel(t, async commands => {
    t.strictSame(commands, ['Tüx'])
    return []
  })
  const line = Buffer.from('{"id":7,"call":["Tüx"]}\n')
  const cut = line.indexOf('ü') + 1
  const connection = connect(socket)
  connection.write(Buffer.concat([Buffer.from(upgrade), line, line.subarray(0, cut)]))
  let received = ''
  for await (const chunk of connection) {
    received += chunk
    if (received.endsWith('"result":[]}\n')) {
      if (received.split('\n').length >= 7) break
      connection.write(line.subarray(cut))
    }
  }
  t.match(received, /^HTTP\/1.1 101 .*\r\n\r\n(?:\{"id":7,"result":\[\]\}\n){2}$/s)
})

tap.test('what is not of the protocol ends the connection, and nothing else', async t => {
  const { client, socket, bugs } = await channel(t)
  const lines = ['<html>\n', 'null\n', '[]\n', '{"call":[]}\n', '{"id":"1"}\n', '\n']
  for (const line of [...lines, 'x'.repeat(callLineBytesMax + 1)]) {
    t.match(
      await conversation(socket, upgrade, line),
      /^HTTP\/1.1 101 [^\n]*\n[^{]*$/,
      JSON.stringify(line.slice(0, 20)),
    )
  }
  t.match(await conversation(socket, upgrade.replace('/commands', '/log')), /^HTTP\/1.1 400 /)
  t.match(await conversation(socket, upgrade.replace(commandCalls.protocol, 'websocket')), /^HTTP\/1.1 400 /)
  t.strictSame(await client.execute([named('x')]), [resultOf(named('x'))])
  t.strictSame(bugs, [])
})

tap.test('channels have a limit, and those who leave make room', async t => {
  const { socket, connections } = await channel(t)
  const open = async () => {
    const connection = connect(socket)
    connection.on('error', () => undefined)
    connection.write(upgrade)
    const [head] = await once(connection, 'data')
    return { connection, head: String(head) }
  }
  const opened = await Promise.all(Array.from({ length: 64 }, open))
  for (const { head } of opened) t.match(head, /^HTTP\/1.1 101 /)
  t.match((await open()).head, /^HTTP\/1.1 503 /)
  opened[0]?.connection.destroy()
  await once(connections[0] as Socket, 'close')
  t.match((await open()).head, /^HTTP\/1.1 101 /)
})

tap.test('a caller that does not take its answers is cut off', async t => {
  const { socket, server } = await channel(t, async () => 'x'.repeat(16 << 20) as never)
  const accepted = once(server, 'connection')
  const caller = connect(socket).pause()
  t.teardown(() => caller.destroy())
  caller.write(`${upgrade}{"id":1,"call":[]}\n`)
  const [connection] = await accepted
  await once(connection, 'close')
  t.ok(connection.bytesWritten > 0)
})

tap.test('a server that stops answers what is under way, takes nothing new, and can close', async t => {
  const begun = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<CommandResult[]>()
  const { client, commands, server } = await channel(t, () => {
    begun.resolve()
    return answer.promise
  })
  const asked = client.execute([])
  await begun.promise
  commands.stop()
  const closed = new Promise(resolve => server.close(resolve))
  answer.resolve([])
  t.strictSame(await asked, [])
  await closed
  await t.rejects(client.execute([]), ConnectionError)
})

tap.test('a server that stops does not wait for callers that do not take their leave', async t => {
  const { socket, commands, server } = await channel(t, commands =>
    (commands as Command[]).length === 0 ? new Promise<never>(() => undefined) : resultsOf(commands),
  )
  // One idle, one with a call that is never answered, and one refused that had more to say: none closes its own end.
  const callers = [upgrade, `${upgrade}{"id":1,"call":[]}\n`, `${upgrade.replace('/commands', '/log')}more`]
  for (const text of callers) {
    const connection = connect({ path: socket, allowHalfOpen: true })
    connection.on('error', () => undefined)
    t.teardown(() => connection.destroy())
    connection.write(text)
    await once(connection, 'readable')
  }
  commands.stop()
  await new Promise(resolve => server.close(resolve))
  t.pass('closed')
})

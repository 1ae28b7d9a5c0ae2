import { getEventListeners, once } from 'node:events'
import { readdirSync, renameSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import tap, { type Test } from 'tap'
import {
  BazaarError,
  CatalogClient,
  ConnectionError,
  claimSocket,
  FrontendClient,
  lineBytesMax,
  newline,
  OrderClient,
  Requester,
  sleep,
  socketPath,
  socketPathBytesMax,
  systemClock,
} from '../src/index.ts'

const product = { name: 'Tux', price: 25.99, quantity: 3 }
const order = { number: 7, name: 'Tux', type: 'buy', quantity: 1, price: 25.99 } as const

/** A server on a unix socket of its own, which the test's end stops. */
async function peer(t: Test, listener: RequestListener): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bazaar-client-'))
  const socket = join(folder, 'peer.sock')
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(socket, resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  return socket
}

/** A server that answers every request alike, and notes what it was asked. */
async function answering(t: Test, status: number, body: unknown, headers: Record<string, string> = {}) {
  const seen: {
    method: string | undefined
    url: string | undefined
    headers: Record<string, unknown>
    body: string
  }[] = []
  const socket = await peer(t, (request, response) => {
    let text = ''
    request.on('data', chunk => {
      text += chunk
    })
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: text })
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  return { socket, seen }
}

function closing<T extends { close(): Promise<void> }>(t: Test, client: T): T {
  t.teardown(() => client.close())
  return client
}

const refusal = (reason: 'NOT_LEADER' | 'OUT_OF_STOCK', leader?: string) =>
  new BazaarError(reason, `${reason} it is`, leader)

tap.test('an order client', async t => {
  t.test('turns an error body into a BazaarError with the hint of who leads', async t => {
    const error = refusal('NOT_LEADER', 'order-3')
    const { socket } = await answering(t, error.code, error.toBody())
    const client = closing(t, new OrderClient(socket))
    await t.rejects(client.status(), { name: 'BazaarError', reason: 'NOT_LEADER', leader: 'order-3', code: 421 })
  })

  t.test('gives up on a peer that accepts and never answers', async t => {
    const client = closing(t, new OrderClient(await peer(t, () => undefined)))
    await t.rejects(client.status({ timeoutMs: 20 }), {
      name: 'ConnectionError',
      message: /GET \/status: no answer within 20 ms/,
    })
  })

  t.test('says at once that nobody listens', async t => {
    const client = closing(t, new OrderClient(join(tmpdir(), 'bazaar-nobody.sock')))
    await t.rejects(client.status(), { name: 'ConnectionError', message: /ENOENT/ })
  })

  t.test('rejects what is under way when the peer dies', async t => {
    const socket = await peer(t, request => request.socket.destroy())
    await t.rejects(closing(t, new OrderClient(socket)).status(), ConnectionError)
  })

  t.test("passes the caller's reason on when the caller gives up", async t => {
    const client = closing(t, new OrderClient(await peer(t, () => undefined)))
    const given = AbortSignal.abort(new Error('no longer wanted'))
    await t.rejects(client.status({ signal: given }), { message: 'no longer wanted' })
    const controller = new AbortController()
    const asked = client.status({ signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    await t.rejects(asked, { message: 'changed my mind' })
  })

  t.test('takes an answer that is not ours for no answer', async t => {
    for (const [status, body] of [
      [200, '<html>'],
      [502, '"bad gateway"'],
      [500, 'null'],
      [404, '{"error":null}'],
    ] as const) {
      const { socket } = await answering(t, status, body)
      await t.rejects(closing(t, new OrderClient(socket)).status(), ConnectionError, `${status} ${body}`)
    }
  })
})

tap.test('a stream of lines', async t => {
  t.test('joins lines over chunks and shows heartbeats', async t => {
    const socket = await peer(t, (_request, response) => {
      response.writeHead(200)
      for (const chunk of ['{"a":1}\n{"b', '":2}', '\n\n', '{"c":"', 'é"}\n']) response.write(chunk)
    })
    const log = await closing(t, new OrderClient(socket)).log(0)
    let text = ''
    for await (const lines of log) {
      t.equal(lines.at(-1), newline, 'only whole lines')
      text += lines.toString()
      if (text.endsWith('"}\n')) break
    }
    t.equal(text, '{"a":1}\n{"b":2}\n\n{"c":"é"}\n')
  })

  t.test('goes on for as long as there are heartbeats', async t => {
    const socket = await peer(t, (_request, response) => {
      response.writeHead(200)
      const heart = setInterval(() => response.write('\n'), 100)
      response.on('close', () => clearInterval(heart))
    })
    let beats = 0
    for await (const _lines of await closing(t, new OrderClient(socket)).log(0, { idleMs: 700 })) {
      beats += 1
      if (beats === 10) break
    }
    t.equal(beats, 10)
  })

  t.test('ends with an error when it falls silent, is closed, or sends an endless line', async t => {
    const silent = await peer(t, (_request, response) => void response.writeHead(200).write('{"index":1}\n'))
    const changes = closing(t, new CatalogClient(silent)).changes({ idleMs: 30 })
    t.same((await changes.next()).value, [{ index: 1 }])
    await t.rejects(changes.next(), { name: 'ConnectionError', message: /no answer within 30 ms/ })

    const closed = await peer(t, (_request, response) => void response.writeHead(200).end('{"index":1}\n'))
    await t.rejects(drain(closing(t, new CatalogClient(closed)).changes()), { message: /the stream ended/ })

    const endless = await peer(
      t,
      (_request, response) => void response.writeHead(200).write('x'.repeat(lineBytesMax + 1)),
    )
    await t.rejects(drain(closing(t, new CatalogClient(endless)).changes()), { message: /more than 65536 bytes/ })
  })

  t.test('stops when the caller does, and closes its connection', async t => {
    let closed: (() => void) | undefined
    const gone = new Promise<void>(resolve => {
      closed = resolve
    })
    const socket = await peer(t, (request, response) => {
      request.socket.on('close', () => closed?.())
      response.writeHead(200).write('\n')
    })
    const controller = new AbortController()
    const stream = await closing(t, new Requester(socket)).lines('/log?after=0', { signal: controller.signal })
    for await (const _lines of stream) break
    await gone
    t.strictSame(getEventListeners(controller.signal, 'abort'), [], 'and leaves nothing on his signal')
    const other = closing(t, new CatalogClient(socket)).changes({ signal: controller.signal })
    await other.next()
    controller.abort(new Error('enough'))
    await t.rejects(other.next(), { message: 'enough' })
  })
})

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _chunk of chunks);
}

tap.test('a catalog client asks for an index and tells at which index the answer was read', async t => {
  const list = await answering(t, 200, { index: 4, data: [product] })
  t.same(await closing(t, new CatalogClient(list.socket)).products(2), { index: 4, data: [product] })
  t.equal(list.seen[0]?.url, '/products?index=2')
})

tap.test('a front-end client speaks the public REST', async t => {
  const hit = await answering(t, 200, { data: product }, { 'cache-status': 'bazaar; hit' })
  const lookups = closing(t, new FrontendClient(hit.socket))
  t.same(await lookups.product('Tux'), { product, hit: true })

  const orders = await answering(t, 200, { data: order })
  const client = closing(t, new FrontendClient(orders.socket))
  t.same(await client.order({ name: 'Tux', quantity: 1 }, 'my-key'), order)
  t.match(orders.seen[0], { url: '/orders', headers: { 'idempotency-key': 'my-key' } })
  t.same(await client.getOrder(7), order)
  await client.putProduct('Tux', 9.5, 'secret')
  await client.addStock('Tux', 5, 'secret')
  t.match(orders.seen.at(-1), {
    url: '/products/Tux/stock',
    body: '{"quantity":5}',
    headers: { authorization: 'Bearer secret' },
  })
  t.equal(await client.ready(), true)

  const error = refusal('OUT_OF_STOCK')
  const refusing = await answering(t, error.code, error.toBody())
  const refused = closing(t, new FrontendClient(refusing.socket))
  await t.rejects(refused.order({ name: 'Tux', quantity: 1 }), { name: 'BazaarError', reason: 'OUT_OF_STOCK' })
  await t.rejects(refused.getOrder(7), { name: 'BazaarError', reason: 'OUT_OF_STOCK' })
  t.equal(await refused.ready(), false)
  t.equal(await closing(t, new FrontendClient('http://127.0.0.1:9')).ready(), false, 'nobody listens')
})

tap.test('an error of the catalogue survives its journey, and nothing else is taken for one', async t => {
  const error = new BazaarError('NOT_LEADER', 'ask another', null)
  t.match(BazaarError.from(JSON.parse(JSON.stringify(error.toBody()))), {
    reason: 'NOT_LEADER',
    leader: null,
    message: 'ask another',
  })
  for (const other of [null, 1, {}, { error: null }, { error: { reason: 'toString' } }, { error: 'no' }]) {
    t.equal(BazaarError.from(other), null)
  }
})

tap.test('a socket path is absolute, relative when that is too long, and an error when both are', async t => {
  t.equal(socketPath('/data', 'order-1'), '/data/order-1.sock')
  const long = join(process.cwd(), 'é'.repeat(45))
  t.ok(Buffer.byteLength(join(long, 'order-1.sock')) > socketPathBytesMax)
  t.ok(Buffer.byteLength(socketPath(long, 'order-1')) <= socketPathBytesMax)
  t.throws(() => socketPath(`/${'x'.repeat(120)}`, 'order-1'), {
    message: /at most 107 fit: choose a shorter data folder/,
  })
})

tap.test('what a dead process left of a socket is replaced, also where the path only just fits', async t => {
  const data = await mkdtemp(join(tmpdir(), 'bazaar-client-'))
  t.teardown(() => rm(data, { recursive: true }))
  const path = join(data, 'a'.repeat(socketPathBytesMax - data.length - '/'.length))
  const dead = createServer().listen(join(data, 'b'))
  await once(dead, 'listening')
  renameSync(join(data, 'b'), path)
  await new Promise(resolve => dead.close(resolve))

  const [first, second] = [createServer(), createServer()]
  t.ok(await claimSocket(first, path))
  t.notOk(await claimSocket(second, path))
  t.strictSame(readdirSync(data), [basename(path)], 'nothing else is left')
  await new Promise(resolve => first.close(resolve))
})

tap.test("the machine's clock sleeps, and wakes early when the signal aborts", async t => {
  const before = systemClock.now()
  await sleep(systemClock, 5)
  t.ok(systemClock.now() - before >= 4)
  const controller = new AbortController()
  const slept = sleep(systemClock, 60_000, controller.signal)
  controller.abort()
  await slept
  await sleep(systemClock, 60_000, controller.signal)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import t, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { measureAppends, measureOverwrites } from '../src/append-limit.ts'
import { connectionShopper } from '../src/connection-shopper.ts'
import { cpuTimeMs, tickMs } from '../src/cpu-time.ts'
import { watchDisturbance } from '../src/disturbance.ts'
import { LeanConnection } from '../src/lean-connection.ts'
import { type LimitsResult, loadKinds, nextOrder } from '../src/limits.ts'
import { limitsJson, limitsPassed, limitsText, limitsVerdict, ratiosOf } from '../src/limits-report.ts'
import type { Limits } from '../src/limits-run.ts'
import { runLoad } from '../src/load.ts'
import type { LoadAnswer, LoadConnection } from '../src/load-connection.ts'
import { Meter } from '../src/meter.ts'
import { OrdinaryConnection } from '../src/ordinary-connection.ts'
import { httpShopper } from '../src/shopper.ts'
import { Recorder, type Summary } from '../src/statistics.ts'

async function serve(t: Test, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Both kinds of connection, which must behave alike. */
async function connectionsTo(t: Test, port: number): Promise<[string, LoadConnection][]> {
  const lean = await LeanConnection.open('127.0.0.1', port)
  const ordinary = new OrdinaryConnection('127.0.0.1', port)
  t.teardown(() => [lean, ordinary].map(connection => connection.close()))
  return [
    ['lean', lean],
    ['ordinary', ordinary],
  ]
}

const send = (connection: LoadConnection, path: string): Promise<LoadAnswer | Error> =>
  new Promise(resolve => connection.send({ method: 'GET', path }, (error, answer) => resolve(error ?? answer)))

t.test('a connection sends what it is given and reads status, cache status and body', async t => {
  const port = await serve(t, (request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const { method, url, headers } = request
      const seen = JSON.stringify({ method, url, key: headers['idempotency-key'], type: headers['content-type'], body })
      response.writeHead(201, { 'content-length': seen.length, 'Cache-Status': 'bazaar; hit' }).end(seen)
    })
  })
  for (const [kind, connection] of await connectionsTo(t, port)) {
    const request = { method: 'POST', path: '/orders', json: '{"a":1}', key: 'k-1' } as const
    const answer = await new Promise<LoadAnswer>(resolve =>
      connection.send(request, (_error, answer) => resolve(answer)),
    )
    t.strictSame([answer.status, answer.cacheStatus], [201, 'bazaar; hit'], kind)
    const seen = { method: 'POST', url: '/orders', key: 'k-1', type: 'application/json', body: '{"a":1}' }
    t.strictSame(JSON.parse(answer.body), seen, kind)
  }
})

t.test('a lean connection puts an answer together from its pieces, and many answers follow each other', async t => {
  const text = 'Größe: 5 €'
  const server = createTcpServer(socket => {
    socket.on('data', async () => {
      const answer = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
      for (const byte of answer) {
        socket.write(Buffer.of(byte))
        await new Promise(resolve => setImmediate(resolve))
      }
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const connection = await LeanConnection.open('127.0.0.1', (server.address() as AddressInfo).port)
  t.teardown(() => connection.close())
  for (let turn = 0; turn < 3; turn += 1) t.match(await send(connection, '/'), { status: 200, body: text })
})

t.test('a connection that breaks says why, and the next request has a new one', async t => {
  const port = await serve(t, (request, response) => {
    if (request.url === '/chunked') response.write('no length')
    else if (request.url === '/') request.socket.destroy()
    else if (request.url === '/half')
      response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy())
    else {
      closed = once(request.socket, 'close')
      response.end('fine', () => request.socket.end())
    }
  })
  let closed: Promise<unknown> | null = null
  const open = () => LeanConnection.open('127.0.0.1', port)
  const [chunked, lean] = [await open(), await open()]
  t.match(await send(chunked, '/chunked'), { message: /no Content-Length in: HTTP\/1\.1 200/ })
  t.match(await send(lean, '/'), { name: 'ConnectionError', message: /^127\.0\.0\.1:\d+: closed the connection$/ })
  t.match(await send(lean, '/half'), { message: /closed the connection/ })
  t.match(await send(lean, '/fine'), { status: 200, body: 'fine' })
  await closed
  t.match(await send(lean, '/fine'), { status: 200, body: 'fine' }, 'where the server closed it meanwhile, too')
  lean.close()
  const ordinary = new OrdinaryConnection('127.0.0.1', port)
  for (const path of ['/', '/half']) t.match(await send(ordinary, path), { message: /hang up|ECONNRESET|aborted/ })
  ordinary.close()
  await t.rejects(LeanConnection.open('127.0.0.1', 1), { code: 'ECONNREFUSED' })
  const busy = await open()
  busy.send({ method: 'GET', path: '/chunked' }, () => {})
  t.throws(() => busy.send({ method: 'GET', path: '/' }, () => {}), { message: /under way/ })
  busy.close()
})

t.test('a connection to a server that says nothing breaks after a while', async t => {
  let requests = 0
  const port = await serve(t, (_, response) => {
    requests += 1
    if (requests > 2) response.end('fine')
  })
  const lean = await LeanConnection.open('127.0.0.1', port, 100)
  const ordinary = new OrdinaryConnection('127.0.0.1', port, 100)
  t.teardown(() => [lean, ordinary].map(connection => connection.close()))
  const message = `127.0.0.1:${port}: no answer within 0.1 s`
  for (const connection of [lean, ordinary]) t.match(await send(connection, '/'), { name: 'ConnectionError', message })
  for (const connection of [lean, ordinary]) t.match(await send(connection, '/'), { status: 200, body: 'fine' })
})

t.test('a shopper on a connection turns the shop’s errors into errors and escapes names', async t => {
  let cache: Record<string, string> = { 'cache-status': 'bazaar; fwd=miss' }
  const port = await serve(t, (request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const found = request.url === '/products/Caf%C3%A9'
      const error = { error: { code: 409, reason: 'OUT_OF_STOCK', message: body } }
      const text = JSON.stringify(found ? { data: { name: 'Café', price: 1, quantity: 2 } } : error)
      const headers = { 'content-length': Buffer.byteLength(text), ...cache }
      response.writeHead(found ? 200 : 409, headers).end(text)
    })
  })
  const shopper = connectionShopper(await LeanConnection.open('127.0.0.1', port))
  t.teardown(() => shopper.close())
  t.strictSame(await shopper.lookUp('Café'), { product: { name: 'Café', price: 1, quantity: 2 }, hit: false })
  cache = {}
  t.equal((await shopper.lookUp('Café')).hit, null, 'without Cache-Status nobody can say')
  const sent = { message: '{"name":"Caf\\u00e9","quantity":1}' }
  await t.rejects(shopper.order({ name: 'Café', quantity: 1 }, 'k'), { reason: 'OUT_OF_STOCK', ...sent })
})

t.test(
  'a shop that takes a request and says nothing, or stops in the middle, is named with the time it had',
  async t => {
    const port = await serve(t, (request, response) => {
      if (request.url === '/orders/7') response.writeHead(200, { 'content-length': 100 }).write('{"data":')
    })
    const shopper = httpShopper(`http://127.0.0.1:${port}`, 200)
    t.teardown(() => shopper.close())
    await t.rejects(shopper.products(), { message: 'GET /products was not answered within 0.2 s' })
    await t.rejects(shopper.findOrder(7), { message: 'GET /orders/7 was not answered within 0.2 s' })
  },
)

t.test('an answer that tells of another product is none', async t => {
  const whale = '{"data":{"name":"Whale","price":1,"quantity":2}}'
  const shopper = httpShopper(`http://127.0.0.1:${await serve(t, (_, response) => response.end(whale))}`)
  t.teardown(() => shopper.close())
  t.match(await shopper.lookUp('Whale'), { product: { name: 'Whale' } })
  await t.rejects(shopper.lookUp('Tux'), { message: `GET /products/Tux answered 200 with ${JSON.stringify(whale)}` })
})

t.test('load goes on over every connection until its time is over, and stops at a failure', async t => {
  let requests = 0
  let fail = false
  const port = await serve(t, (_request, response) => {
    requests += 1
    response.writeHead(fail ? 503 : 200, { 'content-length': 2 }).end('{}')
  })
  const connections = (await connectionsTo(t, port)).map(([, connection]) => connection)
  const recorder = new Recorder()
  const next = () => ({ method: 'GET', path: '/' }) as const
  const result = await runLoad(connections, 100, next, recorder)
  t.match(result, { answered: requests, failed: 0, firstFailure: null })
  t.equal(recorder.count, requests)
  t.ok(result.elapsedMs >= 100 && requests > connections.length, `${requests} requests in ${result.elapsedMs} ms`)
  const busyMs = (recorder.summary().mean ?? 0) * recorder.count
  t.ok(busyMs <= result.elapsedMs * connections.length, `${busyMs} ms, one request after the other on each`)
  const meter = new Meter({ connections, pids: [process.pid] }, 1, next)
  await meter.slice(50)
  meter.restart()
  t.equal(meter.count, 0)
  const [startedAt, cpuBeforeMs, clientBefore] = [performance.now(), cpuTimeMs(process.pid), process.cpuUsage()]
  for (const sliceMs of [50, 50]) await meter.slice(sliceMs)
  const elapsedMs = performance.now() - startedAt
  const { count, mean, perSecond, cpuMs, clientCpuMs } = meter.measured()
  const { user, system } = process.cpuUsage(clientBefore)
  t.equal(count, meter.count)
  t.ok(perSecond < count / 0.099 && perSecond > (count * 999) / elapsedMs, `${perSecond} a second`)
  t.ok((mean ?? 0) * count <= elapsedMs, 'of both connections only one was used')
  // Less than a tick more: products of quotients are rounded.
  t.ok(cpuMs * count < cpuTimeMs(process.pid) - cpuBeforeMs + tickMs, `${cpuMs} ms each`)
  t.ok(clientCpuMs > 0 && clientCpuMs * count < (user + system) / 1000 + 1, `${clientCpuMs} ms each`)
  fail = true
  t.match(await runLoad(connections, 100, next, recorder), { failed: 2, firstFailure: '503 {}' })
  await t.rejects(meter.slice(50), { message: 'a request under load failed: 503 {}' })
})

t.test('each order of a load has a key of its own', async t => {
  const next = nextOrder(['Tux', 'Whale'], 'run')
  const orders = Array.from({ length: 100 }, next)
  t.equal(new Set(orders.map(order => order.key)).size, 100)
  t.equal(new Set(orders.map(order => order.json)).size, 2)
})

t.test('appends and overwrites are timed and leave no file', async t => {
  for (const measure of [measureAppends, measureOverwrites]) {
    const folder = t.testdir()
    const recorder = new Recorder()
    measure(folder, 20, recorder)
    t.ok(recorder.count > 0 && (recorder.percentile(50) ?? 0) > 0)
    t.strictSame(readdirSync(folder), [])
  }
})

t.test('processor time is read from /proc', { skip: process.platform !== 'linux' }, async t => {
  const before = cpuTimeMs(process.pid)
  const start = process.cpuUsage()
  const usedMs = () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }
  // However little of the machine this process gets: what counts is what it got.
  while (usedMs() < 3 * tickMs);
  t.ok(cpuTimeMs(process.pid) > before)
  const { user, system } = process.cpuUsage()
  const difference = cpuTimeMs(process.pid) - (user + system) / 1000
  t.ok(Math.abs(difference) <= 5 * tickMs, `${difference} ms from what the process knows of itself`)
  t.throws(() => cpuTimeMs(2 ** 30), { code: 'ENOENT' })
})

t.test('what others take of the machine is seen', { skip: process.platform !== 'linux' }, async t => {
  const others = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  t.teardown(() => others.kill('SIGKILL'))
  await once(others, 'spawn')
  const pid = others.pid as number
  const [all, known] = [watchDisturbance([]), watchDisturbance([pid])]
  const enoughMs = cpuTimeMs(pid) + 20 * tickMs
  await eventually('enough of its time to be counted', () => cpuTimeMs(pid) >= enoughMs)
  const [unknownShare, knownShare] = [all() ?? 0, known() ?? 0]
  t.ok(unknownShare > knownShare, `${unknownShare} of the machine, ${knownShare} when it counts as ours`)
})

t.test('how much others take of the machine is unknown once a process of ours has ended', async t => {
  const ours = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  await once(ours, 'spawn')
  const disturbance = watchDisturbance([ours.pid as number])
  ours.stdin.end()
  await once(ours, 'exit')
  t.equal(disturbance(), null)
})

const summary = (p50: number): Summary => ({ count: 1000, mean: p50, ci95: 0.01, p50, p99: p50 * 3, max: p50 * 9 })
const measured = (p50: number, perSecond: number, cpuMs: number) => ({
  ...summary(p50),
  perSecond,
  cpuMs,
  clientCpuMs: 0.03,
})

const example: Limits = {
  loads: Object.fromEntries(
    loadKinds.map(kind => [
      kind,
      {
        bazaar: measured(1.2, 8000, 0.1),
        bare: measured(0.4, 10_000, 0.05),
      },
    ]),
  ) as LimitsResult['loads'],
  lookupAndOrder5: { count: 500, mean: 1.5, ci95: 0.02 },
  chain: {
    loads: Object.fromEntries(
      ['orders64', 'order1', 'order5'].map(kind => [
        kind,
        { chain: measured(1, 9000, 0.08), bare: measured(0.4, 10_000, 0.05) },
      ]),
    ) as Limits['chain']['loads'],
    lookupAndOrder5: { count: 600, mean: 1.2, ci95: 0.02 },
  },
  append: summary(0.2),
  orders: { acknowledged: 9000, counted: 9000 },
  machine: { cpu: 'Test CPU', cores: 2, memoryGiB: 4, system: 'Linux', node: '24' },
  disturbance: 0.02,
  seconds: 5,
}

t.test('the ratios are those of the goals', async t => {
  const ratios = Object.fromEntries(ratiosOf(example).map(({ name, value }) => [name, Math.round(value * 100) / 100]))
  t.strictSame(ratios, {
    lookupThroughput: 0.8,
    orderThroughput: 0.8,
    order1: 2,
    order5: 3,
    lookupAndOrder5: 3.75,
    lookupCpu: 2,
    orderCpu: 2,
  })
  t.matchSnapshot(limitsText(example))
  t.match(limitsJson(example, null), {
    ratios: {
      lookupThroughput: { value: 0.8, goal: 0.9, met: false, chain: undefined },
      order1: { value: 2, goal: 2, met: true, chain: 1.6667 },
    },
    judged: true,
    passed: true,
  })
  const orders64 = { bazaar: measured(1.2, 4000, 0.2), bare: measured(0.4, 10_000, 0.05) }
  const apart = ratiosOf({ ...example, loads: { ...example.loads, orders64 } }).filter(({ name }) =>
    /hput|Cpu/.test(name),
  )
  t.strictSame(
    apart.map(({ value }) => value),
    [0.8, 0.4, 2, 4],
    'each is of its own load',
  )
})

t.test('a ratio twice as bad as its goal fails, and so does an order that is not there', async t => {
  t.ok(limitsPassed(example, null), 'missing a goal by a little is the machine’s noise')
  t.equal(limitsVerdict(example, null), 'all well')
  const far = { ...example, lookupAndOrder5: { count: 1, mean: 8, ci95: null } }
  t.match(limitsVerdict(far, null), /^MISSED, twice as bad as its goal or worse: look-up plus order mean.*\nFAILED$/)
  const slow = { ...example, lookupAndOrder5: { count: 1, mean: 8, ci95: null }, disturbance: 0.4 }
  t.ok(limitsPassed(slow, null), 'a machine that others use is not judged')
  t.match(
    limitsText(slow),
    /MISSED is twice .* It fails nothing here.*Disturbed: 40 % of the processor time went to others/s,
  )
  t.match(limitsJson(slow, null), { judged: false, passed: true })
  for (const counted of [8999, 9001]) {
    const orders = { acknowledged: 9000, counted }
    for (const one of [example, slow]) t.notOk(limitsPassed({ ...one, orders }, null), `${counted} of 9000 in the log`)
  }
})

import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { BazaarError, OrderRequest } from '@bazaar/client'
import {
  buildService,
  ConfigError,
  checkOf,
  commonEnvironment,
  healthRoute,
  metricsRoute,
  readConfig,
  rssMiB,
} from '@bazaar/service'
import type { InjectOptions } from 'fastify'
import t from 'tap'
import Type from 'typebox'
import { eventually } from '../../../test/patience.ts'

function buildShop() {
  const app = buildService({ name: 'shop-1' })
  app.post('/orders', { schema: { body: OrderRequest } }, async request => request.body)
  app.get('/products/:name', async () => {
    throw new Error('the password is swordfish')
  })
  app.put('/products/:name', async () => ({}))
  app.get('/full', async () => {
    throw new BazaarError('OVERLOADED', 'too much to do')
  })
  app.get('/leader', async () => {
    throw new BazaarError('NOT_LEADER', 'this replica does not lead', 'order-3')
  })
  healthRoute(app)
  metricsRoute(app).gauge('answer', 'The answer.', () => 42)
  // What the tests provoke is logged at `error`; keep it out of the report.
  app.log.level = 'silent'
  return app
}

const json = { 'content-type': 'application/json' }
const order = (payload: object | string): InjectOptions => ({ method: 'POST', url: '/orders', headers: json, payload })

t.test('a request that is not whole in time is answered so, wherever it stops', async t => {
  const app = buildService({ name: 'shop', requestTimeoutMs: 300 })
  app.post('/orders', async () => ({}))
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const whole = 'POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"a":'
  const answers = await Promise.all(
    [10, 40, whole.length].map(async length => {
      const socket = connect(port, '127.0.0.1').setEncoding('utf8')
      socket.write(whole.slice(0, length))
      return (await socket.toArray()).join('')
    }),
  )
  for (const answer of answers) t.match(answer, /^HTTP\/1\.1 400 .*in time: ERR_HTTP_REQUEST_TIMEOUT"}}$/s)
})

t.test('what a plugin refuses says when to come back, as the catalogue has it', async t => {
  const app = buildShop()
  for (const statusCode of [429, 503]) {
    app.get(`/${statusCode}`, async () => Promise.reject(Object.assign(new Error('not now'), { statusCode })))
  }
  for (const [code, reason] of [
    [429, 'TOO_MANY_REQUESTS'],
    [503, 'OVERLOADED'],
  ] as const) {
    const response = await app.inject({ method: 'GET', url: `/${code}` })
    t.match(response.json(), { error: { code, reason, message: 'not now' } })
    t.equal(response.headers['retry-after'], '1')
  }
  await app.close()
})

t.test('every mistake of a client has its place in the catalogue of errors', async t => {
  const app = buildShop()
  const cases: [InjectOptions, number, string, string | RegExp][] = [
    [order({ name: 'Tux', quantity: '2' }), 400, 'INVALID', 'quantity must be 1..1000000, got "2"'],
    [order({ name: 'Tux', quantity: 0 }), 400, 'INVALID', 'quantity must be 1..1000000, got 0'],
    [order({ name: 'Tux', quantity: 1.5 }), 400, 'INVALID', 'quantity must be a whole number 1..1000000, got 1.5'],
    [order({ name: 'a/b', quantity: 1 }), 400, 'INVALID', /^name must be .*, got "a\/b"$/],
    [order({ name: 'Tux', quantity: 1, type: 'x' }), 400, 'INVALID', 'type must be "buy" or "sell", got "x"'],
    [order({ name: 'Tux' }), 400, 'INVALID', 'quantity is missing: it must be 1..1000000'],
    [order({ name: '🐧'.repeat(99), quantity: 1 }), 400, 'INVALID', /^name must be .*, got "🐧{79}…$/u],
    [order({ name: 'Tux', quantity: 1, colour: 'red' }), 400, 'INVALID', 'colour is not a known field'],
    [order({ name: 'Tux', quantity: 1, '': 1 }), 400, 'INVALID', /^"" is not a known field$/],
    [order({ name: 'Tux', quantity: 1, 'a\nb': 1 }), 400, 'INVALID', /^"a\\nb" is not a known field$/],
    [order({ name: 'Tux', quantity: 1, ['x'.repeat(999)]: 1 }), 400, 'INVALID', /^x{80}… is not a known field$/],
    [order([]), 400, 'INVALID', 'body must be an object, got []'],
    [order('{"name":'), 400, 'INVALID', 'body must be JSON, and is not'],
    [order('{"name":"Tux","quantity":1,"__proto__":{}}'), 400, 'INVALID', '__proto__ is not a known field'],
    [order('{"name":"Tux","quantity":1e400}'), 400, 'INVALID', /^quantity must be a whole number .*, got Infinity$/],
    [order(''), 400, 'INVALID', 'body must be JSON, and is empty'],
    [{ method: 'POST', url: '/orders' }, 400, 'INVALID', 'body must be an object, got null'],
    [order({ name: 'x'.repeat(17 * 1024) }), 413, 'BODY_TOO_LARGE', 'body must be at most 16384 bytes'],
    [
      { method: 'POST', url: '/orders', headers: { 'content-type': 'text/plain' }, payload: 'hi' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'content-type must be application/json, got "text/plain"',
    ],
    [{ method: 'GET', url: '/products/%zz' }, 400, 'INVALID', /valid url/],
    [{ method: 'GET', url: '/nowhere?x=1' }, 404, 'ROUTE_NOT_FOUND', 'no route for GET /nowhere'],
    [{ method: 'GET', url: '/products/a/b' }, 404, 'ROUTE_NOT_FOUND', 'no route for GET /products/a/b'],
    [{ method: 'DELETE', url: '/orders' }, 405, 'METHOD_NOT_ALLOWED', '/orders takes POST, not DELETE'],
    // Where there is no route, nothing is said of a body.
    [{ method: 'QUERY' as 'GET', url: '/orders' }, 405, 'METHOD_NOT_ALLOWED', '/orders takes POST, not QUERY'],
    [{ ...order('{'), url: '/nowhere' }, 404, 'ROUTE_NOT_FOUND', 'no route for POST /nowhere'],
    [{ method: 'GET', url: '/leader' }, 421, 'NOT_LEADER', 'this replica does not lead'],
    [{ method: 'GET', url: '/full' }, 503, 'OVERLOADED', 'too much to do'],
  ]
  for (const [request, code, reason, message] of cases) {
    const response = await app.inject(request)
    t.match(response.json(), { error: { code, reason, message } }, `${request.method} ${request.url} ${reason}`)
    t.equal(response.statusCode, code)
    t.equal(response.headers['retry-after'], code === 503 ? '1' : undefined)
  }
  t.equal((await app.inject({ method: 'DELETE', url: '/products/Tux?a=b' })).headers.allow, 'GET, HEAD, PUT')
  t.equal((await app.inject({ method: 'GET', url: '/leader' })).json().error.leader, 'order-3')
  await app.close()
})

t.test('a bug is a 500 that tells nothing of its cause', async t => {
  const app = buildShop()
  const response = await app.inject({ method: 'GET', url: '/products/Tux' })
  t.equal(response.statusCode, 500)
  t.equal(response.json().error.reason, 'INTERNAL')
  t.notMatch(response.body, /swordfish|Error:|\.ts/)
  await app.close()
})

t.test('what never comes to a route is answered with an error body and a closed connection, too', async t => {
  const app = buildShop()
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const answerTo = async (text: string): Promise<[head: string, body: string]> => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    socket.write(text)
    const [head = '', body = ''] = (await socket.toArray()).join('').split('\r\n\r\n')
    return [head, body]
  }
  for (const [text, status, reason, message] of [
    ['hello?\r\n\r\n', '400 Bad Request', 'INVALID', /^request must be HTTP, whole and in time: /],
    ['GET /health HTTP/1.1\r\n\r\n', '400 Bad Request', 'INVALID', 'request must have one Host header, and has 0'],
    ['GET /health HTTP/1.1\r\nhost: a\r\nHOST: a\r\n\r\n', '400 Bad Request', 'INVALID', /one Host header, and has 2$/],
    ['CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n', '405 Method Not Allowed', 'METHOD_NOT_ALLOWED', /not CONNECT$/],
  ] as const) {
    const [head, body] = await answerTo(text)
    t.equal(head.split('\r\n')[0], `HTTP/1.1 ${status}`)
    t.match(head, /^connection: close$/im)
    t.equal(/^allow: GET, HEAD, POST, PUT$/im.test(head), reason === 'METHOD_NOT_ALLOWED')
    t.match(JSON.parse(body), { error: { code: Number.parseInt(status, 10), reason, message } })
  }
  const fine = [
    'GET /health HTTP/1.0\r\n\r\n',
    'GET /health HTTP/1.1\r\nhost: host\r\nexpect: x\r\nconnection: close\r\n\r\n',
  ]
  for (const text of fine) t.match((await answerTo(text))[0], /^HTTP\/1\.1 200 /)
})

t.test('what was sent behind a refused request is carried out and answered, or neither', async t => {
  const app = buildService({ name: 'shop' })
  const made: string[] = []
  app.post<{ Params: { name: string } }>('/orders/:name', async request => {
    made.push(request.params.name)
    return {}
  })
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const send = (name: string, head: string, body: string) =>
    `POST /orders/${name} HTTP/1.1\r\n${head}\r\ncontent-type: application/json\r\n${body}`
  const whole = (body: string) => `content-length: ${body.length}\r\n\r\n${body}`
  const chunk = `transfer-encoding: chunked\r\n\r\n${(20_000).toString(16)}\r\n${' '.repeat(20_000)}\r\n0\r\n\r\n`
  for (const [name, refused] of [
    ['no JSON', send('refused', 'host: x', whole('{'))],
    ['too long', send('refused', 'host: x', whole(' '.repeat(20_000)))],
    ['too long, in chunks', send('refused', 'host: x', chunk)],
    ['no host', send('refused', 'accept: */*', whole('{}'))],
  ] as const) {
    made.length = 0
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    const order = send('a', 'host: x', whole('{}'))
    socket.write(`${refused}${order}${order}${send('b', 'host: x\r\nconnection: close', whole('{}'))}`)
    const answers = (await socket.toArray()).join('').match(/(?<=HTTP\/1\.1 )\d+/g)
    t.match(answers?.[0], /^4/, name)
    t.equal(answers?.filter(status => status === '200').length, made.length, name)
  }
})

t.test('who has not sent all yet when it is refused can go on sending, and read why', async t => {
  const app = buildShop()
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  for (const text of ['CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n', 'hello?\r\n\r\n']) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write(text)
    socket.resume()
    await once(socket, 'end')
    const failures: unknown[] = []
    for (let more = 0; more < 20; more += 1) {
      const failure = await new Promise(resolve => socket.write(Buffer.alloc(16_384), resolve))
      if (failure) failures.push(failure)
    }
    t.strictSame(failures, [], text)
    const closed = once(socket, 'close')
    socket.end()
    await closed
  }
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write('hello?\r\n\r\n')
  socket.resume()
  await once(socket, 'end')
  const connections = () => new Promise(resolve => app.server.getConnections((_error, count) => resolve(count)))
  await eventually('but not for ever', async () => (await connections()) === 0)
  socket.destroy()
})

t.test('who resets a connection instead of reading the answer harms nobody else', async t => {
  const app = buildShop()
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  for (const text of ['CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n', 'hello?\r\n\r\n', 'GET /health HTTP/1.1\r\n\r\n']) {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      await new Promise(resolve => socket.write(text, resolve))
      socket.resetAndDestroy()
    }
  }
  const response = await fetch(`http://127.0.0.1:${port}/health`)
  t.equal(response.status, 200, await response.text())
})

t.test('health answers, and metrics are read when they are asked for', async t => {
  const app = buildShop()
  t.equal((await app.inject('/health')).statusCode, 200)
  const metrics = await app.inject('/metrics')
  t.match(metrics.headers['content-type'], /^text\/plain/)
  t.match(metrics.body, /^# TYPE answer gauge\nanswer 42$/m)
  t.match(metrics.body, /^# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total [\d.]+$/m)
  t.match(metrics.body, /^process_resident_memory_bytes \d+$/m)
  await app.close()
})

t.test('a process out of file descriptors tells its memory all the same', async t => {
  t.capture(process.memoryUsage, 'rss', () => {
    throw Object.assign(new Error('EMFILE: too many open files, uv_resident_set_memory'), { code: 'EMFILE' })
  })
  t.ok(rssMiB() > 10)
  const app = buildShop()
  t.match((await app.inject('/metrics')).body, /^process_resident_memory_bytes \d+$/m)
  await app.close()
})

t.test('the configuration is read by its schema', async t => {
  const schema = Type.Object({
    ...commonEnvironment,
    PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 8080 }),
    NOTE: Type.Optional(Type.String()),
  })
  const given = { BAZAAR_NAME: 'order-1', BAZAAR_DATA: '/data' }
  const config = readConfig(schema, { ...given, PORT: '80', NOTE: '', OTHER: 'x' })
  t.strictSame(config, { ...given, BAZAAR_REPLICAS: 3, BAZAAR_SUPERVISED: 0, PORT: 80 })
  t.ok(Object.isFrozen(config))
  const mistakes: [Record<string, string>, string][] = [
    [{ BAZAAR_DATA: '/data' }, 'BAZAAR_NAME is missing: it must be a name such as order-1'],
    [{ ...given, BAZAAR_DATA: 'data' }, 'BAZAAR_DATA must be an absolute path, got "data"'],
    [{ ...given, PORT: 'http' }, 'PORT must be 0..65535, got "http"'],
    [{ ...given, PORT: '0x50' }, 'PORT must be 0..65535, got "0x50"'],
    [{ ...given, PORT: '65536' }, 'PORT must be 0..65535, got 65536'],
  ]
  for (const [environment, message] of mistakes) {
    t.throws(() => readConfig(schema, environment), new ConfigError(message), message)
  }
})

t.test('a file is checked by the same rules, and long values are cut in messages', async t => {
  const List = Type.Array(Type.Object({ price: Type.Number({ minimum: 0 }) }), { minItems: 1 })
  const check = checkOf(List, 'the file')
  t.throws(() => check([{ price: -1 }]), { message: '0.price must be at least 0, got -1' })
  t.throws(() => check([{}]), { message: '0.price is missing: it must be at least 0' })
  t.throws(() => check('x'.repeat(500)), { message: /^the file must be an array.*, got "x{79}…$/ })
})

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { systemClock } from '@bazaar/client'
import tap, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { frontendConfig } from '../src/config.ts'
import { Events, subscribersMax, unreadBytesMax } from '../src/events.ts'
import { buildFrontend, type FrontendParts } from '../src/frontend.ts'
import { idempotencyKey } from '../src/idempotency-key.ts'
import { FakeCluster } from './fixtures/fake-cluster.ts'

const token = 'secret'
const admin = { authorization: `Bearer ${token}` }

/** For tests of requests that nobody answers. */
const hurried = {
  orderLimits: { orderDeadlineMs: 400, attemptTimeoutMs: 60 },
  catalogLimits: { lookupDeadlineMs: 400, attemptTimeoutMs: 60 },
}

/** Starts a front-end over a cluster of fakes. */
function start(t: Test, cluster: FakeCluster, parts: Partial<FrontendParts> = {}) {
  let keys = 0
  const built = buildFrontend({
    name: 'frontend-1',
    replicas: cluster.replicas(),
    catalogs: cluster.catalogs(),
    clock: systemClock,
    newKey: () => `own-${keys++}`,
    adminToken: token,
    orderLimits: { attemptTimeoutMs: 60 },
    catalogLimits: { attemptTimeoutMs: 60 },
    ...parts,
  })
  const over = built.run()
  t.teardown(async () => {
    await built.publicApp.close()
    await built.internalApp.close()
    await built.stop()
    await over
  })
  return built
}

/** A front-end over a cluster of fakes, ready, and a way to ask it. */
async function frontend(t: Test, parts: Partial<FrontendParts> = {}) {
  const cluster = await FakeCluster.start()
  t.teardown(() => cluster.stop())
  const { publicApp: app, internalApp } = start(t, cluster, parts)
  await eventually('ready', async () => (await app.inject('/ready')).statusCode === 200)
  const feed = async () => (await internalApp.inject('/status')).json().cache.feed
  await eventually('the feed', async () => (await feed()) === 'up')
  const get = (url: string, headers = {}) => app.inject({ url, headers })
  const post = (url: string, body: unknown, headers = {}) =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { cluster, app, internalApp, get, post, feed }
}

tap.test('clients of every edition of the course run unchanged', async t => {
  const { get, post } = await frontend(t)
  for (const path of ['/stocks/Tux', '/products/Tux']) {
    const { statusCode, headers, json } = await get(path)
    t.equal(statusCode, 200)
    t.match(headers['content-type'], 'application/json')
    t.same(json(), { data: { name: 'Tux', price: 25.99, quantity: 100 } })
  }
  for (const path of ['/stocks', '/products']) {
    t.same((await get(path)).json(), { data: [{ name: 'Tux', price: 25.99, quantity: 100 }] })
  }
  const bought = await post('/orders', { name: 'Tux', quantity: 2, type: 'buy' })
  const order = { number: 1, name: 'Tux', type: 'buy', quantity: 2, price: 25.99 }
  t.same(bought.json(), { data: { ...order, order_number: 1, transaction_number: 1 } })
  t.equal((await post('/orders', { name: 'Tux', quantity: 1, type: 'sell' })).json().data.transaction_number, 2)
  t.equal((await post('/orders', { name: 'Tux', quantity: 1 })).json().data.order_number, 3)
  t.same((await get('/orders/1')).json(), { data: order })
  t.same((await get('/stocks/Tux')).json().data.quantity, 98)
})

tap.test('look-ups say where they come from, and never show a stock from before an own order', async t => {
  const { get, post } = await frontend(t)
  t.equal((await get('/products/Tux')).headers['cache-status'], 'bazaar; fwd=miss')
  t.equal((await get('/products/Tux')).headers['cache-status'], 'bazaar; hit')
  t.equal((await get('/products')).headers['cache-status'], 'bazaar; fwd=miss')
  await post('/orders', { name: 'Tux', quantity: 1 })
  const after = await get('/products/Tux')
  t.equal(after.headers['cache-status'], 'bazaar; hit')
  t.equal(after.json().data.quantity, 99)
})

tap.test('every mistake of a client has its answer', async t => {
  const { app, get, post } = await frontend(t)
  const order = { name: 'Tux', quantity: 1 }
  const long = 'x'.repeat(65)
  const cases: [
    what: string,
    answer: ReturnType<typeof get>,
    status: number,
    reason: string,
    message: RegExp | string,
  ][] = [
    [
      'text for a number',
      post('/orders', { ...order, quantity: '2' }),
      400,
      'INVALID',
      'quantity must be 1..1000000, got "2"',
    ],
    ['nothing', post('/orders', { ...order, quantity: 0 }), 400, 'INVALID', 'quantity must be 1..1000000, got 0'],
    ['too much', post('/orders', { ...order, quantity: 1_000_001 }), 400, 'INVALID', /1\.\.1000000, got 1000001/],
    [
      'a fraction',
      post('/orders', { ...order, quantity: 1.5 }),
      400,
      'INVALID',
      /a whole number 1\.\.1000000, got 1\.5/,
    ],
    ['null', post('/orders', { ...order, quantity: null }), 400, 'INVALID', /quantity must be .* got null/],
    ['a huge number', post('/orders', '{"name":"Tux","quantity":1e999}'), 400, 'INVALID', /quantity must be/],
    ['no name', post('/orders', { quantity: 1 }), 400, 'INVALID', 'name is missing'],
    ['an empty name', post('/orders', { ...order, name: '' }), 400, 'INVALID', /name must be 1–64 characters.*got ""/],
    ['a long name', post('/orders', { ...order, name: long }), 400, 'INVALID', /name must be 1–64 characters/],
    ['a slash', post('/orders', { ...order, name: 'a/b' }), 400, 'INVALID', /got "a\/b"/],
    ['a control character', post('/orders', { ...order, name: 'a\u0000' }), 400, 'INVALID', /name must be/],
    ['an unknown field', post('/orders', { ...order, colour: 1 }), 400, 'INVALID', 'colour is not a known field'],
    [
      'another type',
      post('/orders', { ...order, type: 'lend' }),
      400,
      'INVALID',
      'type must be "buy" or "sell", got "lend"',
    ],
    ['an array', post('/orders', [order]), 400, 'INVALID', /body must be an object/],
    ['NaN', post('/orders', '{"name":"Tux","quantity":NaN}'), 400, 'INVALID', 'body must be JSON, and is not'],
    ['half a body', post('/orders', '{"name":'), 400, 'INVALID', 'body must be JSON, and is not'],
    ['an empty object', post('/orders', {}), 400, 'INVALID', 'name is missing'],
    ['a colon in a name', post('/orders', { ...order, name: 'a:"b' }), 404, 'PRODUCT_NOT_FOUND', /a:"b/],
    ['no body', post('/orders', ''), 400, 'INVALID', 'body must be JSON, and is empty'],
    [
      'a poisoned body',
      post('/orders', '{"name":"Tux","quantity":1,"__proto__":{}}'),
      400,
      'INVALID',
      '__proto__ is not a known field',
    ],
    [
      'another poison',
      post('/orders', '{"name":"Tux","quantity":1,"constructor":{"prototype":1}}'),
      400,
      'INVALID',
      'constructor is not a known field',
    ],
    [
      'a field twice',
      post('/orders', '{"name":"Tux","quantity":1,"quantity":2}'),
      400,
      'INVALID',
      'body must name each field once',
    ],
    ['a deep body', post('/orders', '['.repeat(8000) + ']'.repeat(8000)), 400, 'INVALID', /nested too deep/],
    [
      'a deep name',
      post('/orders', `{"name":${'['.repeat(8000)}${']'.repeat(8000)},"quantity":1}`),
      400,
      'INVALID',
      /^name must be .*nested too deep/,
    ],
    [
      'a large body',
      post('/orders', { ...order, name: 'x'.repeat(17_000) }),
      413,
      'BODY_TOO_LARGE',
      /at most 16384 bytes/,
    ],
    [
      'a form',
      post('/orders', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /application\/json/,
    ],
    [
      'plain text',
      post('/orders', '{}', { 'content-type': 'text/plain' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /text\/plain/,
    ],
    [
      'Latin-1',
      post('/orders', order, { 'content-type': 'application/json; Charset="latin1"' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'charset of the body must be utf-8, got "latin1"',
    ],
    [
      'a packed body',
      post('/orders', order, { 'content-encoding': 'gzip' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'body must come without a content-encoding, got "gzip"',
    ],
    [
      'a packed transfer',
      post('/orders', order, { 'transfer-encoding': 'gzip, chunked' }),
      501,
      'NOT_IMPLEMENTED',
      'transfer-encoding must be chunked, got "gzip, chunked"',
    ],
    [
      'a bad key',
      post('/orders', order, { 'idempotency-key': 'a b' }),
      400,
      'INVALID',
      /Idempotency-Key must be 1–255 visible/,
    ],
    [
      'too much bought',
      post('/orders', { ...order, quantity: 101 }),
      409,
      'OUT_OF_STOCK',
      'Tux: 101 asked, 100 in stock',
    ],
    ['an unknown product', post('/orders', { ...order, name: 'Yeti' }), 404, 'PRODUCT_NOT_FOUND', /Yeti/],
    ['an unknown product', get('/products/Yeti'), 404, 'PRODUCT_NOT_FOUND', 'Yeti: no such product'],
    ['a long name', get(`/products/${long}`), 400, 'INVALID', /name must be 1–64/],
    ['a very long name', get(`/products/${'y'.repeat(9000)}`), 400, 'INVALID', /name must be 1–64/],
    ['a bad escape', get('/products/%zz'), 400, 'INVALID', /%zz/],
    ['no name', get('/products/'), 400, 'INVALID', /name must be/],
    ['order 0', get('/orders/0'), 400, 'INVALID', /number must be a whole number 1\.\.9007199254740991, got "0"/],
    ['order 01', get('/orders/01'), 400, 'INVALID', /got "01"/],
    ['order 1.0', get('/orders/1.0'), 400, 'INVALID', /got "1\.0"/],
    ['order 2^53', get('/orders/9007199254740992'), 400, 'INVALID', /got "9007199254740992"/],
    ['an unknown order', get('/orders/9007199254740991'), 404, 'ORDER_NOT_FOUND', /9007199254740991: no such order/],
    ['an unknown route', get('/nowhere?x=1'), 404, 'ROUTE_NOT_FOUND', 'no route for GET /nowhere'],
    ['internal only', get('/metrics'), 404, 'ROUTE_NOT_FOUND', /metrics/],
    [
      'another method',
      app.inject({ method: 'DELETE', url: '/orders/1' }),
      405,
      'METHOD_NOT_ALLOWED',
      /takes GET, HEAD, not DELETE/,
    ],
  ]
  for (const [what, asked, status, reason, message] of cases) {
    const answer = await asked
    t.match(answer.json(), { error: { code: status, reason, message } }, `${what}: ${answer.body.slice(0, 120)}`)
    t.equal(answer.statusCode, status)
  }
  t.equal((await app.inject({ method: 'PUT', url: '/orders', payload: {} })).headers.allow, 'POST')
})

tap.test('a body may say that it is plain UTF-8, in pieces', async t => {
  const { post } = await frontend(t)
  for (const headers of [
    { 'content-type': 'application/json; charset=UTF-8' },
    { 'content-type': 'application/json;charset="utf-8"' },
    { 'content-encoding': 'Identity' },
    { 'transfer-encoding': 'Chunked' },
  ]) {
    t.equal((await post('/orders', { name: 'Tux', quantity: 1 }, headers)).statusCode, 200, JSON.stringify(headers))
  }
})

tap.test('names in any script are found, and HEAD is answered', async t => {
  const { cluster, app, get } = await frontend(t)
  cluster.products.set('Ünïcörn 🦄', { name: 'Ünïcörn 🦄', price: 1, quantity: 1 })
  t.equal((await get(`/products/${encodeURIComponent('Ünïcörn 🦄')}`)).json().data.price, 1)
  const head = await app.inject({ method: 'HEAD', url: '/products/Tux' })
  t.match(head, { statusCode: 200, body: '' })
})

tap.test('a repeated key gives the same order, in quotes or bare, and another body is refused', async t => {
  const { post } = await frontend(t)
  const order = { name: 'Tux', quantity: 1 }
  const numbers = []
  for (const key of ['abc', '"abc"', 'abc']) {
    numbers.push((await post('/orders', order, { 'idempotency-key': key })).json().data.number)
  }
  t.same(numbers, [1, 1, 1])
  const other = await post('/orders', { ...order, quantity: 2 }, { 'idempotency-key': 'abc' })
  t.match(other.json(), { error: { code: 422, reason: 'KEY_REUSED' } })
})

tap.test('an idempotency key is 1–255 visible characters', async t => {
  t.equal(idempotencyKey(undefined), null)
  t.equal(idempotencyKey('a"b'), 'a"b')
  t.equal(idempotencyKey('"a\\"b\\\\"'), 'a"b\\')
  t.equal(idempotencyKey('x'.repeat(255)), 'x'.repeat(255))
  for (const bad of ['', '""', '"', '"a', '"a"b', '"a";p=1', 'a b', '"a b"', 'é', 'x'.repeat(256), '"\\a"', 'a, b']) {
    t.throws(() => idempotencyKey(bad), { name: 'BazaarError', reason: 'INVALID' }, bad)
  }
})

tap.test('products are changed by whoever has the token', async t => {
  const { app, get, post } = await frontend(t)
  const put = (headers = {}) => app.inject({ method: 'PUT', url: '/products/Fox', headers, payload: { price: 9.5 } })
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic secret' }]) {
    const answer = await put(headers)
    t.match(answer.json(), { error: { code: 401, reason: 'UNAUTHORIZED' } })
    t.equal(answer.headers['www-authenticate'], 'Bearer')
  }
  t.match((await put(admin)).json(), { data: { name: 'Fox', price: 9.5, quantity: 0 } })
  t.equal((await put({ authorization: `bearer ${token}` })).statusCode, 200, 'RFC 9110, 11.1: in any case')
  const added = () => post('/stocks/Fox/stock', { quantity: 50 }, { ...admin, 'idempotency-key': 'more' })
  t.match((await added()).json(), { data: { name: 'Fox', quantity: 50 } })
  t.match((await added()).json(), { data: { quantity: 50 } }, 'the key makes it once')
  t.equal((await get('/products/Fox')).json().data.quantity, 50)
  t.match((await post('/products/Fox/stock', { quantity: -1 }, admin)).json(), { error: { reason: 'INVALID' } })
  t.match((await post('/products/a%2Fb/stock', { quantity: 1 }, admin)).json(), { error: { reason: 'INVALID' } })
})

tap.test('without an ADMIN_TOKEN nobody changes products', async t => {
  const { app } = await frontend(t, { adminToken: undefined })
  const answer = await app.inject({ method: 'PUT', url: '/products/Fox', headers: admin, payload: { price: 9.5 } })
  t.match(answer.json(), { error: { code: 401, message: /without ADMIN_TOKEN/ } })
})

tap.test('without the other processes a request is refused in time, with Retry-After', async t => {
  const { cluster, get, post } = await frontend(t, hurried)
  await get('/products/Tux')
  for (const name of ['order-1', 'order-2', 'order-3', 'catalog-1']) cluster.peer(name).kill()
  const answers = await Promise.all([
    post('/orders', { name: 'Tux', quantity: 1 }),
    get('/orders/1'),
    get('/products/Yeti'),
    get('/products'),
  ])
  for (const answer of answers) {
    t.match(answer.json(), { error: { code: 503, reason: 'NO_QUORUM' } })
    t.equal(answer.headers['retry-after'], '1')
  }
  t.equal((await get('/health')).statusCode, 200)
  t.match((await get('/ready')).json(), {
    error: { code: 503, message: /^no majority .*: order-1 is down, order-2 is down, order-3 is down$/ },
  })
  const { data } = (await get('/cluster')).json()
  t.match(data, {
    leader: null,
    replicas: Array(3).fill({ role: 'down' }),
    catalogs: [{ name: 'catalog-1', role: 'down' }],
  })
})

tap.test('a store that cannot take an order is not ready, and says why', async t => {
  const { cluster, get } = await frontend(t)
  const why = async () => (await get('/ready')).json().error?.message ?? null
  cluster.full.add('order-1')
  t.equal(await why(), null, 'two of three are a majority')
  cluster.full.add('order-2')
  const none = 'no majority of order replicas takes orders'
  t.equal(await why(), `${none}: the disk of order-1 is full, the disk of order-2 is full`)
  cluster.full.delete('order-2')
  cluster.peer('order-2').kill()
  t.equal(await why(), `${none}: order-2 is down, the disk of order-1 is full`)
  await cluster.peer('order-2').start()
  cluster.full.clear()
  cluster.full.add('order-3')
  t.equal(await why(), 'the disk of order-3, which leads, is full')
  cluster.full.clear()
  const leader = cluster.leader
  cluster.leader = null
  t.equal(await why(), 'no order replica leads')
  cluster.leader = leader
  t.equal(await why(), null)
})

tap.test('a front-end that starts while no order can be stored says why it does not open', async t => {
  const { cluster } = await frontend(t)
  cluster.leader = null
  cluster.full.add('order-1').add('order-2')
  const later = start(t, cluster)
  const why = /^no majority .* takes orders: the disk of order-1 is full, the disk of order-2 is full$/
  await eventually('why', async () => why.test((await later.publicApp.inject('/ready')).json().error.message))
})

tap.test('a look-up recovers when the catalog comes back, and the cache with the feed', async t => {
  const { cluster, get, feed } = await frontend(t)
  await get('/products/Tux')
  cluster.peer('catalog-1').kill()
  await eventually('the end of the feed', async () => (await feed()) === 'down')
  const asked = get('/products/Tux')
  await cluster.peer('catalog-1').start()
  t.equal((await asked).headers['cache-status'], 'bazaar; fwd=miss')
  await eventually('the feed', async () => (await feed()) === 'up')
  await eventually('a hit', async () => (await get('/products/Tux')).headers['cache-status'] === 'bazaar; hit')
})

tap.test('the cluster is shown as it is', async t => {
  const { get, internalApp } = await frontend(t)
  await get('/products/Tux')
  await get('/products/Tux')
  t.match((await get('/cluster')).json().data, {
    leader: 'order-3',
    term: 1,
    replicas: [{ name: 'order-1', role: 'follower', lag: 0 }, { name: 'order-2' }, { name: 'order-3', role: 'leader' }],
    catalogs: [{ name: 'catalog-1', role: 'catalog', lag: 0 }],
    frontend: {
      name: 'frontend-1',
      cache: { entriesMax: 10, entries: 1, hits: 1, misses: 1, hitRatio: 0.5, feed: 'up' },
    },
  })
  t.match((await internalApp.inject('/metrics')).body, /bazaar_cache_hits_total 1\n/)
})

tap.test('events tell of changed products and of the cluster', async t => {
  const { cluster, app, internalApp, post } = await frontend(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  let text = ''
  let open = 0
  const listen = () => {
    const asked = request({ port, path: '/events', agent: false }, response => {
      t.equal(response.headers['content-type'], 'text/event-stream')
      open++
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.on('error', () => undefined)
    })
    asked.on('error', () => undefined).end()
    return asked
  }
  const reader = listen()
  await eventually('the cluster', () => text.includes('event: cluster\n'))
  await post('/orders', { name: 'Tux', quantity: 1 })
  await eventually('the product', () => text.includes('event: product\ndata: {"name":"Tux","index":2}\n\n'))
  text = ''
  cluster.leader = 'order-1'
  await eventually('the leader', () => text.includes('"leader":"order-1"'))

  const [head] = (await once(request({ port, path: '/events', method: 'HEAD', agent: false }).end(), 'response')) as [
    IncomingMessage,
  ]
  t.match(head.headers, { 'content-type': 'text/event-stream' }, 'as GET, and without an end to wait for')
  await once(head.resume(), 'end')

  for (let count = 1; count < subscribersMax; count++) listen()
  await eventually('all readers', () => open === subscribersMax)
  t.match((await app.inject('/events')).json(), { error: { code: 503, reason: 'OVERLOADED' } })
  // Long before a heartbeat would tell.
  reader.destroy()
  const left = `bazaar_event_subscribers ${subscribersMax - 1}\n`
  await eventually('one reader to have left', async () => (await internalApp.inject('/metrics')).body.includes(left))
})

tap.test('what is sent behind a request for the events, and could never be answered, is not carried out', async t => {
  const { app, internalApp, get } = await frontend(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const subscribed = (count: number) =>
    eventually('the count of readers', async () =>
      (await internalApp.inject('/metrics')).body.includes(`bazaar_event_subscribers ${count}\n`),
    )
  const socket = connect({ port, host: '127.0.0.1' })
  const events = 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n'
  const body = '{"name":"Tux","quantity":1}'
  const type = 'Content-Type: application/json'
  const order = `POST /orders HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  socket.resume().write(`${order}${events}${events}${order}`)
  await subscribed(1)
  await eventually('the first order', async () => (await get('/orders/1')).statusCode === 200)
  socket.end()
  await subscribed(0)
  t.equal((await get('/orders/2')).statusCode, 404)
})

tap.test('a reader of events that does not keep up is cut off, the others go on', async t => {
  const events = new Events()
  const reader = (writableLength: number) => {
    const written: string[] = []
    return { written, writableLength, write: (text: string) => written.push(text) > 0, destroy: () => undefined }
  }
  const slow = { ...reader(unreadBytesMax + 1), destroy: () => void slowCut++ }
  const quick = reader(unreadBytesMax)
  let slowCut = 0
  events.subscribe(slow)
  events.subscribe(quick)
  events.feed({ index: 3, name: 'Tux' })
  events.heartbeat()
  events.feed({ index: 4 })
  t.equal(slowCut, 1)
  t.equal(events.subscribers, 1)
  t.same(quick.written, ['retry: 1000\n\n', 'event: product\ndata: {"name":"Tux","index":3}\n\n', ':\n\n'])
  t.same(slow.written, ['retry: 1000\n\n'])
})

tap.test('an order that came whole is answered, whatever follows it on its connection', async t => {
  const { app, post } = await frontend(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const body = JSON.stringify({ name: 'Tux', quantity: 1 })
  const whole = `POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const answersTo = async (text: string, end = false): Promise<string[]> => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8')
    socket.write(text, 'latin1')
    if (end) socket.end()
    const answers = (await socket.toArray()).join('')
    socket.destroy()
    return [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status as string)
  }
  t.same(await answersTo('GET / HTTP/9.9\r\nbroken\r\n\r\n'), ['400'])
  t.same(await answersTo(`${whole}x`), ['200', '400'], 'a byte more than was said')
  t.same(await answersTo(`${whole}${whole}GET / HTTP/9.9\r\n\r\n`), ['200', '200', '400'], 'each in its turn')
  t.same(await answersTo(`${whole.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')}x`), ['200'])
  t.same(await answersTo(whole, true), ['200'], 'the client closes its side')
  const chunked = whole.replace(/content-length: \d+/, 'transfer-encoding: chunked').replace(body, 'no length\r\n')
  t.same(await answersTo(chunked), ['400'], 'what did not come whole is not waited for')
  t.same(await answersTo(whole.replace('Tux', 'T\xffx'), true), ['400'], 'a name that is not UTF-8')
  t.equal((await post('/orders', { name: 'Tux', quantity: 1 })).json().data.number, 6, 'all others were placed')
})

tap.test('the configuration has defaults and says what is wrong', async t => {
  const environment = { BAZAAR_NAME: 'frontend-1', BAZAAR_DATA: '/data' }
  t.match(frontendConfig(environment), {
    BAZAAR_PORT: 8080,
    BAZAAR_CACHE: 10,
    BAZAAR_CATALOGS: 1,
    BAZAAR_HOST: '127.0.0.1',
  })
  t.throws(() => frontendConfig({ ...environment, BAZAAR_CACHE: 'many' }), {
    message: /BAZAAR_CACHE must be 0\.\.1000000, got "many"/,
  })
})

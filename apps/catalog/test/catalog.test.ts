import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fact } from '@bazaar/client'
import { type Disk, realDisk } from '@bazaar/service'
import t, { type Test } from 'tap'
import { FakeClock } from '../../../packages/client/test/fake-clock.ts'
import { eventually } from '../../../test/patience.ts'
import { buildApp } from '../src/app.ts'
import { Catalog } from '../src/catalog.ts'
import { ChangeFeed, heartbeatIntervalMs, subscribersMax, unsentBytesMax } from '../src/change-feed.ts'
import { CorruptLineError, OtherLogError, Products } from '../src/products.ts'
import { SnapshotFile } from '../src/snapshot-file.ts'
import { waitersMax, waitMaxMs } from '../src/waiters.ts'
import { bytesOf, cursorAt, lineOf } from './fake-cluster.ts'

const facts: Fact[] = [
  { type: 'noop' },
  { type: 'product', name: 'Tux', price: 25.99, quantity: 3, key: 'a' },
  { type: 'product', name: 'Füchsin 🦊', price: 9, key: 'b' },
  { type: 'buy', number: 1, name: 'Tux', quantity: 2, price: 25.99, key: 'c' },
  { type: 'stock', name: 'Füchsin 🦊', quantity: 7, key: 'd' },
  { type: 'sell', number: 2, name: 'Tux', quantity: 1, price: 25.99, key: 'e' },
  { type: 'product', name: 'Tux', price: 19.5, key: 'f' },
  { type: 'seeded', key: 'seeded products' },
]
const lines = facts.map((fact, at) => lineOf(at + 1, 1, fact))
const tux = '{"name":"Tux","price":19.5,"quantity":2}'
const fox = '{"name":"Füchsin 🦊","price":9,"quantity":7}'

function folded(count = lines.length): Products {
  const products = new Products()
  for (const line of lines.slice(0, count)) products.apply(cursorAt(line))
  return products
}

function buildCatalog(clock = new FakeClock(), products = new Products()) {
  const catalog = new Catalog(products, new ChangeFeed(clock), clock)
  const app = buildApp({ name: 'catalog-1', catalog, follower: { following: 'order-3' } })
  return { clock, catalog, products, app }
}

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-catalog-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

t.test('the fold over the log gives prices and stock', async t => {
  const products = folded()
  t.equal(products.listJSON(), `[${tux},${fox}]`)
  t.strictSame(products.product('Tux'), JSON.parse(tux))
  t.equal(products.product('None'), null)
  t.match(products.get('Tux'), { index: 7, quantity: 2 })
  t.equal(products.appliedIndex, 8)
  t.ok(products.seeded)
  t.equal(products.apply(cursorAt(lines[3] as string)), null, 'a line folded before is skipped')
  t.equal(products.listJSON(), `[${tux},${fox}]`)
  t.throws(() => products.apply(cursorAt(lineOf(10, 1, { type: 'noop' }))), /gap/)
  t.throws(() => products.apply(cursorAt(lineOf(9, 1, { ...facts[3], quantity: 3 } as Fact))), /below 0/)
  t.throws(() => products.apply(cursorAt(lineOf(9, 1, { ...facts[3], name: 'None' } as Fact))), /not a product/)
  t.throws(
    () => products.apply(cursorAt(lineOf(8, 2, { type: 'noop' }))),
    OtherLogError,
    'the last line has another content',
  )
})

t.test('a line with any damaged bit is refused', async t => {
  const line = lines[1] as string
  const read = (text: string) => folded(1).apply(cursorAt(text))
  for (let at = 0; at < line.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ (1 << bit)) + line.slice(at + 1)
      t.throws(() => read(damaged), CorruptLineError, `bit ${bit} of byte ${at}`)
    }
  }
  t.throws(() => read(',"crc":"00000000"}'), CorruptLineError, 'nothing, with its checksum')
  t.throws(() => read(`${line.slice(0, -3)} "}`), CorruptLineError)
  t.throws(() => read(''), CorruptLineError)
  t.throws(() => read(line.slice(0, 40)), CorruptLineError)
})

t.test('a snapshot restores the same state, and a damaged one nothing', async t => {
  const stored = JSON.parse(JSON.stringify(folded(5).snapshot()))
  const products = new Products()
  t.equal(products.listJSON(), '[]')
  t.ok(products.restore(stored))
  t.not(products.listJSON(), '[]')
  for (const line of lines) products.apply(cursorAt(line))
  t.strictSame(products.snapshot(), folded().snapshot())
  const other = new Products()
  t.notOk(other.restore({ ...stored, products: [{ ...stored.products[0], quantity: 99 }] }))
  t.notOk(other.restore({ ...stored, appliedIndex: 4 }))
  t.equal(other.appliedIndex, 0)
  t.equal(products.listJSON(), `[${tux},${fox}]`)
  products.reset()
  t.strictSame(products.snapshot(), new Products().snapshot())
  t.equal(products.listJSON(), '[]')
})

t.test('look-ups wait until the catalog has caught up, and for the index that they ask for', async t => {
  const { clock, catalog, app } = buildCatalog()
  const early = catalog.lookUp({ name: 'Tux', index: 0 })
  const earlyList = app.inject('/products')
  const later = catalog.lookUp({ name: 'Tux', index: 8 })
  t.equal((await app.inject('/ready')).statusCode, 503)
  catalog.catchUpTo({ index: 2, term: 1 })
  catalog.apply(bytesOf(lines.slice(0, 1)))
  t.notOk(catalog.ready)
  catalog.apply(bytesOf(lines.slice(1, 4)))
  t.strictSame(await early, { index: 4, data: { name: 'Tux', price: 25.99, quantity: 1 } })
  t.match((await earlyList).body, /^\{"index":4,"data":\[/)
  t.match(
    (await app.inject('/ready')).json().error.message,
    /first products/,
    'caught up, but the shop is not set up yet',
  )
  catalog.apply(bytesOf(lines.slice(4)))
  t.equal((await app.inject('/ready')).statusCode, 200)
  t.strictSame(await later, { index: 8, data: JSON.parse(tux) })
  const list = await app.inject('/products?index=8')
  t.equal(list.body, `{"index":8,"data":[${tux},${fox}]}`)
  t.equal(list.headers['content-type'], 'application/json; charset=utf-8')
  t.strictSame(await catalog.lookUp({ name: 'Füchsin 🦊', index: 0 }), { index: 8, data: JSON.parse(fox) })
  t.strictSame(await catalog.lookUp({ name: 'None', index: 0 }), { index: 8, data: null })
  t.match(await app.inject('/status'), {
    statusCode: 200,
    body: /"appliedIndex":8,"products":2,"ready":true,"following":"order-3"/,
  })
  t.match((await app.inject('/metrics')).body, /^bazaar_catalog_applied_index 8$/m)
  for (const url of ['/products?index=-1', '/products?index=1e3', '/products?colour=red', '/products?index=']) {
    t.equal((await app.inject(url)).statusCode, 400, url)
  }
  t.equal(clock.now(), 0)
  await app.close()
})

t.test('a catalog is not ready before it has seen an entry of the leader’s own term', async t => {
  const { catalog } = buildCatalog()
  const early = catalog.lookUp({ name: 'Tux', index: 0 })
  catalog.catchUpTo({ index: 3, term: 2 })
  catalog.apply(bytesOf(lines))
  t.notOk(catalog.ready, 'older entries may be committed that this leader has not committed yet')
  await new Promise(resolve => setImmediate(resolve))
  catalog.catchUpTo({ index: 100, term: 2 })
  catalog.apply(bytesOf([lineOf(9, 2, { type: 'noop' })]))
  t.ok(catalog.ready, 'the goal does not run ahead of it')
  t.match(await early, { index: 9 })
})

t.test('a catalog that has to begin anew is not ready before it has caught up with the new log', async t => {
  const { catalog } = buildCatalog()
  catalog.catchUpTo({ index: 8, term: 1 })
  catalog.apply(bytesOf(lines))
  t.ok(catalog.ready)
  for (const goal of [null, { index: 100, term: 3 }]) {
    if (goal !== null) catalog.catchUpTo(goal)
    catalog.reset()
    t.notOk(catalog.ready)
  }
  catalog.catchUpTo({ index: 2, term: 1 })
  catalog.apply(bytesOf(lines.slice(0, 2)))
  t.ok(catalog.ready, 'and what it waited for in the old one is forgotten')
})

t.test('a wait ends with 503 after its limit, and only so many wait', async t => {
  const { clock, catalog, app } = buildCatalog()
  catalog.catchUpTo({ index: 1, term: 1 })
  catalog.apply(bytesOf(lines))
  const waiting = Array.from({ length: waitersMax }, () => app.inject('/products?index=9'))
  await app.inject('/health')
  t.equal(catalog.waiting, waitersMax)
  const refused = await app.inject('/products?index=9')
  t.match(refused.json().error, { code: 503, reason: 'OVERLOADED' })
  await t.rejects(catalog.lookUp({ name: 'Tux', index: 9 }), { name: 'BazaarError', reason: 'OVERLOADED' })
  t.equal((await catalog.lookUp({ name: 'Tux', index: 8 })).index, 8, 'who needs not wait is answered')
  await clock.advance(waitMaxMs)
  for (const response of await Promise.all(waiting)) {
    if (response.statusCode !== 503) t.fail(`got ${response.statusCode}`)
  }
  const [first] = await Promise.all(waiting)
  t.equal(first?.json().error.message, 'the catalog has applied index 8; a look-up needs index 9')
  t.equal(catalog.waiting, 0)
  const late = catalog.lookUp({ name: 'Tux', index: 9 })
  catalog.stop()
  await t.rejects(
    late,
    { name: 'BazaarError', reason: 'NO_QUORUM' },
    'a catalog that stops shows nobody an older state',
  )
  await app.close()
})

class FakeSubscriber {
  text = ''
  writableLength = 0
  closed = ''
  write(text: string): void {
    this.text += text
  }
  end(): void {
    this.closed = 'ended'
  }
  destroy(): void {
    this.closed = 'cut off'
  }
}

t.test('the feed names each changed product once per batch, and never falls silent', async t => {
  const { clock, catalog } = buildCatalog()
  catalog.apply(bytesOf(lines.slice(0, 3)))
  const subscriber = new FakeSubscriber()
  catalog.feed.join(subscriber, catalog.products)
  t.equal(subscriber.text, '{"index":3}\n')
  catalog.apply(bytesOf(lines.slice(3)))
  t.equal(subscriber.text, '{"index":3}\n{"index":7,"name":"Tux"}\n{"index":5,"name":"Füchsin 🦊"}\n')
  subscriber.text = ''
  await clock.advance(3 * heartbeatIntervalMs)
  t.equal(subscriber.text, '{"index":8}\n'.repeat(3))
  catalog.feed.leave(subscriber)
  t.equal(catalog.feed.size, 0)
  await clock.advance(heartbeatIntervalMs)
  const others = [new FakeSubscriber(), new FakeSubscriber()]
  for (const other of others) catalog.feed.join(other, catalog.products)
  catalog.apply(bytesOf([lineOf(9, 1, { type: 'noop' })]))
  await clock.advance(heartbeatIntervalMs)
  for (const { text } of others) t.equal(text, '{"index":8}\n{"index":9}\n', 'also after nobody was there, and once')
})

t.test('a slow subscriber is cut off, and their number is bounded', async t => {
  const { clock, catalog, app } = buildCatalog()
  const subscribers = Array.from({ length: subscribersMax }, () => new FakeSubscriber())
  for (const subscriber of subscribers) catalog.feed.join(subscriber, catalog.products)
  t.equal((await app.inject('/changes')).json().error.reason, 'OVERLOADED')
  const [slow, other] = subscribers as [FakeSubscriber, FakeSubscriber]
  slow.writableLength = unsentBytesMax + 1
  await clock.advance(heartbeatIntervalMs)
  t.equal(slow.closed, 'cut off')
  t.equal(other.closed, '')
  t.equal(catalog.feed.size, subscribersMax - 1)
  catalog.reset()
  t.equal(other.closed, 'ended', 'after a reset they start anew')
  await app.close()
})

t.test('the snapshot is written lazily, and a damaged one is set aside', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'catalog.json')
  const clock = new FakeClock()
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const products = folded()
  products.reset()
  const file = await SnapshotFile.open(folder, products, { clock, warn })
  for (const line of lines.slice(0, 7)) products.apply(cursorAt(line))
  file.start()
  t.notOk(existsSync(path))
  const saving = file.save()
  products.apply(cursorAt(lines[7] as string))
  await saving
  t.equal(JSON.parse(readFileSync(path, 'utf8')).appliedIndex, 7)
  await file.save()
  t.equal(JSON.parse(readFileSync(path, 'utf8')).appliedIndex, 8, 'what came meanwhile is saved the next time')
  for (const index of [9, 10]) {
    products.apply(cursorAt(lineOf(index, 1, { type: 'noop' })))
    await clock.advance(5_000)
    await eventually('a save', () => JSON.parse(readFileSync(path, 'utf8')).appliedIndex === index)
  }
  file.stop()

  const again = new Products()
  const reopened = await SnapshotFile.open(folder, again, { clock, warn })
  t.strictSame(again.snapshot(), products.snapshot())
  rmSync(path)
  for (const unchanged of [file, reopened]) await unchanged.save()
  t.notOk(existsSync(path), 'what has not changed is not written')

  for (const damaged of ['{"appliedIndex":8', '[]', '{"appliedIndex":8,"products":[]}', '7']) {
    writeFileSync(path, damaged)
    const rebuilt = new Products()
    await SnapshotFile.open(folder, rebuilt, { clock, warn })
    t.equal(rebuilt.appliedIndex, 0)
    t.match(warnings.pop(), /catalog.json is damaged: set aside/)
    t.equal(readFileSync(`${path}.corrupt`, 'utf8'), damaged)
    t.notOk(existsSync(path))
  }
})

t.test('a full disk costs a warning, a failing one the process', async t => {
  const folder = temporaryFolder(t)
  let code = 'ENOSPC'
  const disk: Disk = {
    ...realDisk,
    create: async () => {
      throw Object.assign(new Error(code), { code })
    },
  }
  const warnings: string[] = []
  const products = new Products()
  const file = await SnapshotFile.open(folder, products, {
    clock: new FakeClock(),
    warn: message => void warnings.push(message),
    disk,
  })
  products.apply(cursorAt(lines[0] as string))
  await file.save()
  t.match(warnings, [/disk is full/])
  code = 'EIO'
  await t.rejects(file.save(), { code: 'EIO' })
})

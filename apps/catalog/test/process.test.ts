import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CatalogClient, type Change, socketPath } from '@bazaar/client'
import t, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { FakeCluster } from './fake-cluster.ts'

const main = fileURLToPath(new URL('../dist/bundle.js', import.meta.url))

/** The real process of a catalog, on a folder of its own with a fake cluster of order replicas. */
async function setUp(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-catalog-'))
  const cluster = await new FakeCluster(folder).start()
  const children = new Set<ChildProcess>()
  const clients: CatalogClient[] = []
  t.teardown(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(clients.map(client => client.close()))
    await cluster.stop()
    rmSync(folder, { recursive: true })
  })
  const start = (environment: Record<string, string> = {}, name = 'catalog-1') => {
    const child = spawn(process.execPath, [main], {
      cwd: folder,
      env: { BAZAAR_NAME: name, BAZAAR_DATA: folder, BAZAAR_RESTOCK_MS: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        output += chunk
      })
    }
    const ended = once(child, 'close').then(([code]) => {
      children.delete(child)
      return code as number | null
    })
    const client = new CatalogClient(socketPath(folder, name))
    clients.push(client)
    const isReady = () =>
      client.status().then(
        ({ ready }) => ready,
        () => false,
      )
    return { client, ended, output: () => output, kill: (signal: NodeJS.Signals) => child.kill(signal), isReady }
  }
  return { folder, cluster, start }
}

t.test('a new log is seeded once, by however many catalogs, and every catalog shows the same', async t => {
  const { cluster, start } = await setUp(t)
  const catalogs = [start({ BAZAAR_STOCK: '7' }), start({ BAZAAR_STOCK: '7' }, 'catalog-2')] as const
  for (const catalog of catalogs) await eventually('ready', catalog.isReady)
  const lists = await Promise.all(catalogs.map(({ client }) => client.products(cluster.lines.length)))
  t.strictSame(lists[0], lists[1])
  t.equal(lists[0]?.data.length, 12)
  t.strictSame(lists[0]?.data[0], { name: 'Tux', price: 25.99, quantity: 7 })
  t.equal(cluster.lines.filter(line => line.includes('"seeded"')).length, 1)
  t.equal(cluster.lines.length, 14)
  for (const catalog of catalogs) {
    catalog.kill('SIGTERM')
    t.equal(await catalog.ended, 0, catalog.output())
  }
})

t.test('a catalog that is killed again and again never shows an older state', async t => {
  const { cluster, start } = await setUp(t)
  let catalog = start({ BAZAAR_STOCK: '100000' })
  await eventually('ready', catalog.isReady)
  let [shownIndex, shownQuantity] = [0, 100_000]
  const look = async () => {
    const { index, data } = await catalog.client.product('Tux', 0)
    t.ok(index >= shownIndex && (data?.quantity ?? 0) <= shownQuantity, `index ${index} after ${shownIndex}`)
    ;[shownIndex, shownQuantity] = [index, data?.quantity ?? 0]
  }
  for (let kill = 0; kill < 5; kill += 1) {
    for (let count = 0; count < 200; count += 1) cluster.buy('Tux')
    // Half of the time the catalog has nothing but the log, half of the time a snapshot of an earlier state.
    if (kill === 2) {
      await eventually('ready', catalog.isReady)
      catalog.kill('SIGTERM')
      t.equal(await catalog.ended, 0, catalog.output())
      catalog = start()
    }
    await eventually('a first answer', () =>
      look().then(
        () => true,
        () => false,
      ),
    )
    await look()
    t.equal((await catalog.client.product('Tux', cluster.lines.length)).data?.quantity, 100_000 - (kill + 1) * 200)
    catalog.kill('SIGKILL')
    await catalog.ended
    catalog = start()
  }
  await eventually('ready', catalog.isReady)
  await look()
  t.equal(shownQuantity, 99_000)
})

t.test('orders are in the feed and in look-ups at once; the feed ends with the catalog', async t => {
  const { cluster, start } = await setUp(t)
  const catalog = start()
  await eventually('ready', catalog.isReady)
  const changes: Change[] = []
  const subscribed = (async () => {
    for await (const batch of catalog.client.changes()) changes.push(...batch)
  })()
  await eventually('the first line', () => changes.length > 0)
  t.strictSame(changes[0], { index: cluster.lines.length })
  const index = cluster.buy('Robot')
  t.strictSame((await catalog.client.product('Robot', index)).data?.quantity, 99)
  await eventually('the change', () => changes.some(change => change.name === 'Robot' && change.index === index))
  await eventually('a heartbeat', () => changes.at(-1)?.name === undefined && changes.at(-1)?.index === index)
  t.equal((await catalog.client.product('None', index)).data, null)
  catalog.kill('SIGTERM')
  await t.rejects(subscribed, { name: 'ConnectionError' })
  t.equal(await catalog.ended, 0, catalog.output())
})

t.test('a product that is out of stock comes back at the interval', async t => {
  const { cluster, start, folder } = await setUp(t)
  const file = join(folder, 'products.json')
  writeFileSync(
    file,
    JSON.stringify([
      { name: 'Füchsin 🦊', price: 3, quantity: 2 },
      { name: 'Kite', price: 1 },
    ]),
  )
  const catalog = start({ BAZAAR_PRODUCTS: file, BAZAAR_STOCK: '1', BAZAAR_RESTOCK_MS: '50' })
  await eventually('ready', catalog.isReady)
  cluster.buy('Füchsin 🦊')
  const index = cluster.buy('Füchsin 🦊')
  await eventually('restocked', async () => (await catalog.client.product('Füchsin 🦊', index)).data?.quantity === 2)
  t.equal((await catalog.client.product('Kite', 0)).data?.quantity, 1)
  t.equal(cluster.lines.filter(line => line.includes('"stock"')).length, 1)
})

t.test('a snapshot that is damaged or of another log is not believed', async t => {
  const { cluster, start, folder } = await setUp(t)
  const path = join(folder, 'catalog-1', 'catalog.json')
  const first = start()
  await eventually('ready', first.isReady)
  for (let count = 0; count < 30; count += 1) cluster.buy('Fox')
  await first.client.products(cluster.lines.length)
  first.kill('SIGTERM')
  await first.ended
  t.equal(JSON.parse(readFileSync(path, 'utf8')).appliedIndex, 44)

  cluster.wipe()
  cluster.elect('order-3')
  const second = start()
  await eventually('seeded anew', second.isReady)
  const { index, data } = await second.client.product('Fox', cluster.lines.length)
  t.strictSame([index, data?.quantity], [14, 100])
  t.match(second.output(), /order-3 ends at 1, before index 44/)
  second.kill('SIGTERM')
  await second.ended

  writeFileSync(path, readFileSync(path, 'utf8').replace('"quantity":100', '"quantity":900'))
  const third = start()
  await eventually('ready', third.isReady)
  t.equal((await third.client.product('Tux', 14)).data?.quantity, 100)
  t.match(third.output(), /is damaged: set aside/)
  t.ok(existsSync(`${path}.corrupt`))
})

t.test('a wrong products file ends the catalog with status 2', async t => {
  const { start, folder } = await setUp(t)
  const file = join(folder, 'products.json')
  writeFileSync(file, '[{"name":"Tux","price":-1}]')
  const catalog = start({ BAZAAR_PRODUCTS: file })
  t.equal(await catalog.ended, 2)
  t.match(catalog.output(), /products\.json: 0\.price must be 0\.\.1000000, got -1\n$/)
})

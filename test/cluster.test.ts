import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BazaarError, FrontendClient, type Order, OrderClient, socketPath } from '@bazaar/client'
import { connectCluster, startCluster } from '@bazaar/cluster'
import t, { type Test } from 'tap'
import { hashLogs } from '../packages/cli/src/log-audit.ts'
import { settle } from '../packages/cli/src/settle.ts'
import { eventually, slowness } from './patience.ts'

/** Real processes, real files, real SIGKILL: one shop that goes through everything, one test after another. */
const stock = 100_000
const data = mkdtempSync(join(tmpdir(), 'bazaar-test-'))
t.teardown(() => rmSync(data, { recursive: true }))
const cluster = await startCluster({ data, stock, restockMs: 0 })
const shop = new FrontendClient(cluster.url)
t.teardown(() => shop.close())
t.teardown(() => cluster.stop())

const buy = (name: string, quantity = 1): Promise<Order> => shop.order({ name, quantity, type: 'buy' }, randomUUID())
const buyMany = async (name: string, times: number): Promise<Order[]> => {
  const orders: Order[] = []
  while (orders.length < times) orders.push(await buy(name))
  return orders
}

/** Every order reads back as it was acknowledged, no number twice, and every replica ends with the same file. */
async function sameEverywhere(t: Test, orders: readonly Order[]): Promise<void> {
  await settle(cluster)
  const found = await Promise.all(orders.map(({ number }) => shop.getOrder(number)))
  const different = orders.filter((order, at) => !isSame(order, found[at]))
  t.strictSame(different, [], `${orders.length} orders read back as they were acknowledged`)
  t.equal(new Set(orders.map(({ number }) => number)).size, orders.length, 'no number twice')
  const hashes = await hashLogs(cluster.data, ['order-1', 'order-2', 'order-3'])
  t.equal(new Set(hashes).size, 1, `one sha256 for three files: ${hashes[0]}`)
}

/** Every replica runs and follows one leader, although orders go on. */
async function allFollow(): Promise<void> {
  await eventually('three replicas with one leader', async () => {
    const roles = (await cluster.status()).processes.map(({ role }) => role)
    const count = (wanted: string) => roles.filter(role => role === wanted).length
    return count('leader') === 1 && count('follower') === 2
  })
}

async function followers(): Promise<string[]> {
  const leader = await cluster.leader()
  return ['order-1', 'order-2', 'order-3'].filter(name => name !== leader)
}

t.test('20 clients that want one product each of 100 in stock: exactly 100 orders succeed', async t => {
  await shop.putProduct('Ticket', 5, cluster.adminToken)
  await shop.addStock('Ticket', 100, cluster.adminToken)
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const client = new FrontendClient(cluster.url, 1)
      const outcomes: string[] = []
      for (let turn = 0; turn < 8; turn += 1) {
        const order = client.order({ name: 'Ticket', quantity: 1 })
        outcomes.push(await order.then(() => 'bought').catch((error: BazaarError) => `${error.code} ${error.reason}`))
      }
      await client.close()
      return outcomes
    }),
  )
  const count = (outcome: string) => outcomes.flat().filter(each => each === outcome).length
  t.equal(count('bought'), 100)
  t.equal(count('409 OUT_OF_STOCK'), 60)
  t.equal((await shop.product('Ticket')).product?.quantity, 0)
})

t.test('no client can take a key that the shop has for itself, and so keep it from doing what it is for', async t => {
  const lines = readFileSync(join(cluster.data, 'order-1/log.jsonl'), 'utf8').split('\n').slice(0, 14)
  const own: string[] = lines.map(line => JSON.parse(line).key).filter(key => key !== undefined)
  t.equal(own.length, 13, 'twelve products, and a note that they are there')
  for (const key of own)
    await t.rejects(shop.order({ name: 'Tux', quantity: 1 }, key), { message: /^Idempotency-Key must be/ }, key)
})

t.test('every replica gives the orders that it has, and only the leader says that there is none', async t => {
  const order = await buy('Tux')
  await settle(cluster)
  const leader = await cluster.leader()
  for (const name of ['order-1', 'order-2', 'order-3']) {
    const replica = new OrderClient(socketPath(cluster.data, name))
    t.teardown(() => replica.close())
    t.ok(isSame(order, await replica.order(order.number)), name)
    const missing = replica.order(order.number + 1)
    if (name === leader) t.equal(await missing, null)
    else await t.rejects(missing, { name: 'BazaarError', reason: 'NOT_LEADER', leader })
    for (const number of [0, 1.5, 2 ** 53])
      await t.rejects(replica.order(number), { name: 'BazaarError', reason: 'INVALID' })
  }
})

t.test('two leaders killed one after the other, with no order in between: every order reads back', async t => {
  const before = await buyMany('Tux', 20)
  const first = await cluster.kill('leader', { hold: true })
  const after = await buyMany('Tux', 20)
  await cluster.start(first)
  const second = await cluster.kill('leader')
  t.not(first, second)
  await sameEverywhere(t, [...before, ...after])
})

t.test('a leader that was paused while another took its place joins in again', async t => {
  const paused = await cluster.pause('leader')
  const orders = await buyMany('Fox', 10)
  t.not(await cluster.leader(), paused)
  await cluster.resume(paused)
  orders.push(...(await buyMany('Fox', 10)))
  await sameEverywhere(t, orders)
})

t.test('a replica whose folder was deleted gets everything back', async t => {
  const [follower] = await followers()
  await cluster.kill(follower as string, { hold: true })
  rmSync(join(cluster.data, follower as string), { recursive: true })
  const orders = await buyMany('Crab', 5)
  await cluster.start(follower as string)
  await sameEverywhere(t, orders)
})

t.test('a replica whose log has a flipped bit in the middle ends with the same file again', async t => {
  const orders = await buyMany('Crab', 20)
  const [, follower] = await followers()
  await cluster.kill(follower as string, { hold: true })
  const log = join(cluster.data, follower as string, 'log.jsonl')
  const bytes = readFileSync(log)
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] as number) ^ 1
  writeFileSync(log, bytes)
  orders.push(...(await buyMany('Crab', 5)))
  await cluster.start(follower as string)
  await sameEverywhere(t, orders)
})

t.test('without its catalog the shop goes on selling, and look-ups are back within two seconds', async t => {
  const initial = (await shop.product('Kite')).product?.quantity ?? 0
  const selling = buyMany('Kite', 150)
  const isBack = () => eventually('a look-up is answered', () => shop.product('Kite').then(isThere, isNot))
  await recovers(t, 'catalog-1', 2000, isBack)
  const sold = (await selling).length
  t.equal((await shop.product('Kite')).product?.quantity, initial - sold)
})

t.test('a front-end that was killed is back within a second', async t => {
  await recovers(t, 'frontend-1', 1000, () => eventually('the front-end is ready', () => shop.ready()))
  t.ok((await buy('Tux')).number > 0)
})

/** The best of three counts: what else the machine does at the moment must not decide. */
async function recovers(t: Test, name: string, limitMs: number, recovery: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  while (times.length < 3) {
    await cluster.kill(name)
    const killedAt = performance.now()
    await recovery()
    times.push(Math.round(performance.now() - killedAt))
    await settle(cluster)
  }
  const allowedMs = Math.round(limitMs * slowness())
  t.ok(Math.min(...times) < allowedMs, `${name} was back after ${times.join(', ')} ms, at most ${allowedMs} allowed`)
}

t.test('five clients do not notice that ten leaders are killed', { timeout: 180_000 }, async t => {
  const before = await shop.products()
  let over = false
  const clients = Array.from({ length: 5 }, (_, at) => shopper(at, () => over))
  const killed: string[] = []
  while (killed.length < 10) {
    killed.push(await cluster.kill('leader'))
    await allFollow()
  }
  over = true
  const visits = await Promise.all(clients)

  const orders = visits.flatMap(({ orders }) => orders)
  t.comment(`killed ${killed.join(', ')} under ${orders.length} orders`)
  t.strictSame(
    visits.flatMap(({ failures }) => failures),
    [],
    'no request failed',
  )
  const longest = Math.round(Math.max(...visits.map(({ longestMs }) => longestMs)))
  const allowedMs = Math.round(1000 * slowness())
  t.ok(longest < allowedMs, `the longest request took ${longest} ms, at most ${allowedMs} allowed`)
  await sameEverywhere(t, orders)
  const after = await shop.products()
  const left = (products: { quantity: number }[]) => products.reduce((sum, { quantity }) => sum + quantity, 0)
  t.equal(left(before) - left(after), orders.length, 'what was sold is what is missing')
})

t.test('a shop that does not open because a process dies without a word says how it died', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-test-'))
  t.teardown(() => rmSync(data, { recursive: true }))
  const opening = startCluster({ data })
  const message = 'order-1 keeps dying: it was killed by SIGKILL and said nothing'
  const refused = t.rejects(opening, { reason: 'NOT_READY', message })
  const { kill } = connectCluster(data)
  for (const time of ['first', 'second', 'third'])
    await eventually(`dead for the ${time} time`, () => kill('order-1').catch(() => null))
  await refused
})

interface Visit {
  orders: Order[]
  failures: string[]
  longestMs: number
}

/** Looks products up and orders with probability 0.8, until it is over. No request is repeated. */
async function shopper(at: number, isOver: () => boolean): Promise<Visit> {
  const client = new FrontendClient(cluster.url, 1)
  const names = (await client.products()).map(({ name }) => name).filter(name => name !== 'Ticket')
  const visit: Visit = { orders: [], failures: [], longestMs: 0 }
  const timed = async <T>(request: Promise<T>): Promise<T | null> => {
    const began = performance.now()
    const answer = await request.catch((error: Error) => {
      visit.failures.push(error.message)
      return null
    })
    visit.longestMs = Math.max(visit.longestMs, performance.now() - began)
    return answer
  }
  for (let turn = 0; !isOver(); turn += 1) {
    const name = names[(turn * 7 + at) % names.length] as string
    await timed(client.product(name))
    if (turn % 5 === 0) continue
    const order = await timed(client.order({ name, quantity: 1 }))
    if (order !== null) visit.orders.push(order)
  }
  await client.close()
  return visit
}

function isSame(one: Order, other: Order | null | undefined): boolean {
  const fields = ['number', 'name', 'type', 'quantity', 'price'] as const
  return other != null && fields.every(field => one[field] === other[field])
}

const isThere = () => true
const isNot = () => false

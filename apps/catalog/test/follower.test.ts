import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BazaarError, type Command, systemClock } from '@bazaar/client'
import t, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { Catalog } from '../src/catalog.ts'
import { ChangeFeed } from '../src/change-feed.ts'
import { Commands } from '../src/commands.ts'
import { Follower, followTimeoutMs } from '../src/follower.ts'
import { Products } from '../src/products.ts'
import { agreedLeader, askStatuses, type Replica } from '../src/replica.ts'
import { bytesOf, FakeCluster, lineOf } from './fake-cluster.ts'

const never = new Promise(() => {})

const seedCommand: Command = { type: 'product', key: 'seed Tux', name: 'Tux', price: 25.99, quantity: 1000 }

/** A cluster with one product, and a follower of it. */
async function follow(t: Test, prepare: (cluster: FakeCluster) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-follow-'))
  const cluster = await new FakeCluster(folder).start()
  cluster.execute(seedCommand)
  prepare(cluster)
  const warnings: string[] = []
  const catalog = new Catalog(new Products(), new ChangeFeed(systemClock), systemClock)
  const clients = cluster.clients()
  const follower = new Follower(clients, catalog, systemClock, message => void warnings.push(message))
  const run = follower.run()
  run.catch(() => {})
  t.teardown(async () => {
    follower.stop()
    catalog.stop()
    await Promise.allSettled([
      run,
      ...clients.map(({ client }) => (client as unknown as { close(): Promise<void> }).close()),
    ])
    await cluster.stop()
    rmSync(folder, { recursive: true })
  })
  const caughtUp = () => catalog.products.appliedIndex === cluster.lines.length
  const quantity = () => catalog.products.get('Tux')?.quantity
  return { cluster, catalog, follower, run, warnings, caughtUp, quantity }
}

t.test('the leader is who a majority names in the highest term', async t => {
  const status = (name: string, term: number, leader: string | null) =>
    ({ name, term, leader, role: leader === name ? 'leader' : 'follower' }) as Parameters<
      typeof agreedLeader
    >[0][number]
  const [a, b, c] = [status('a', 2, 'a'), status('b', 2, 'a'), status('c', 2, null)]
  t.equal(agreedLeader([a, b], 3), a)
  t.equal(agreedLeader([a, c], 3), null, 'one and itself are needed')
  t.equal(agreedLeader([b, c], 3), null, 'the leader itself has to answer')
  t.equal(agreedLeader([a, b, status('c', 3, null)], 3), null, 'a newer term has begun')
  t.equal(agreedLeader([a, status('b', 3, 'b'), status('c', 3, 'b')], 3)?.name, 'b', 'a deposed leader is outvoted')
  t.equal(agreedLeader([], 3), null)
  t.equal(agreedLeader([a], 1), a)
  const asked = [async () => a, async () => b, () => never].map(status => ({ name: '', client: { status } }))
  t.strictSame(await askStatuses(asked as unknown as Replica[], 100), [a, b], 'and a third need not answer')
})

t.test('the follower follows the leader, whatever pieces the lines come in', async t => {
  const { cluster, catalog, follower, caughtUp, quantity } = await follow(t, cluster => {
    for (const replica of cluster.replicas) replica.pieceBytes = 7
    for (let count = 0; count < 50; count += 1) cluster.buy('Tux')
  })
  await eventually('ready', () => catalog.ready && caughtUp())
  t.equal(quantity(), 950)
  t.equal(follower.following, 'order-3')
  for (let count = 0; count < 50; count += 1) cluster.buy('Tux')
  await eventually('all applied', caughtUp)
  t.equal(quantity(), 900)
})

t.test('a leader that is killed is replaced at once, first by anyone, then by the new leader', async t => {
  const { cluster, catalog, follower, caughtUp } = await follow(t)
  await eventually('ready', () => catalog.ready)
  cluster.leader = null
  await cluster.replica('order-3').stop()
  await eventually('somebody else is followed', () => follower.following !== null && follower.following !== 'order-3')
  cluster.elect('order-1')
  cluster.buy('Tux')
  await eventually('all applied', caughtUp)
  await eventually('the leader is followed', () => follower.following === 'order-1')
  await eventually(
    'one stream is left',
    () => cluster.replica('order-2').followers + cluster.replica('order-1').followers === 1,
  )
  await cluster.replica('order-3').start()
  cluster.elect('order-3')
  await eventually('the leader that came back is followed', () => follower.following === 'order-3')
})

t.test('a leader that falls silent is replaced as soon as the others agree on another', async t => {
  const { cluster, catalog, follower, caughtUp } = await follow(t)
  await eventually('ready', () => catalog.ready && follower.following === 'order-3')
  cluster.replica('order-3').paused = true
  cluster.elect('order-2')
  const pausedAt = performance.now()
  cluster.buy('Tux')
  await eventually('all applied', caughtUp)
  t.equal(follower.following, 'order-2')
  t.ok(performance.now() - pausedAt < 4 * followTimeoutMs)
})

t.test('a silent stream is dropped even when nobody leads', async t => {
  const { cluster, catalog, follower } = await follow(t)
  await eventually('ready', () => catalog.ready && follower.following === 'order-3')
  cluster.leader = null
  cluster.replica('order-3').paused = true
  await eventually('another is followed', () => follower.following !== null && follower.following !== 'order-3')
})

t.test('a damaged line is not applied, and its replica is left for another', async t => {
  const { cluster, catalog, follower, warnings, caughtUp, quantity } = await follow(t, cluster => {
    cluster.buy('Tux')
    cluster.replica('order-3').mangle = line => line.replace('"quantity":1,', '"quantity":9,')
  })
  await eventually('all applied', caughtUp)
  t.not(follower.following, 'order-3')
  t.ok(catalog.ready, 'the leader still says how far the log goes')
  cluster.buy('Tux')
  await eventually('all applied', caughtUp)
  t.equal(quantity(), 998)
  t.match(warnings, [/^order-3: the checksum of this line/])
})

t.test('a leader that does not know yet how far the log is committed is no reason to begin anew', async t => {
  const { cluster, catalog, follower, warnings, caughtUp } = await follow(t)
  await eventually('ready', () => catalog.ready && caughtUp())
  cluster.uncommitted = 2
  cluster.elect('order-2')
  await eventually('the new leader is followed', () => follower.following === 'order-2')
  t.ok(catalog.ready)
  t.strictSame(warnings, [])
})

t.test('a log that was wiped is read from its beginning', async t => {
  const { cluster, catalog, follower, warnings, caughtUp, quantity } = await follow(t)
  for (let count = 0; count < 20; count += 1) cluster.buy('Tux')
  await eventually('all applied', caughtUp)
  cluster.wipe()
  cluster.elect('order-3')
  cluster.execute({ ...seedCommand, quantity: 5 })
  await eventually('the new log is applied', () => caughtUp() && quantity() === 5)
  await eventually('ready', () => catalog.ready && follower.following === 'order-3')
  t.match(warnings[0], /rebuilt from the log's beginning$/)
})

t.test('a new log that has outgrown the old one is told from it by the last line', async t => {
  const { cluster, warnings, caughtUp, quantity } = await follow(t)
  await eventually('all applied', caughtUp)
  const length = cluster.lines.length
  cluster.wipe()
  cluster.elect('order-3')
  cluster.execute({ ...seedCommand, key: 'other', quantity: 500 })
  while (cluster.lines.length < length + 30) cluster.buy('Tux', `new-${cluster.lines.length}`)
  const bought = cluster.lines.length - 2
  await eventually('the new log is applied', () => caughtUp() && quantity() === 500 - bought)
  t.match(warnings.join(), /is not the one that was applied/)
})

/** A follower, with the log applied up to index 3, of one replica that leads and answers as the test has it. */
function followOne(t: Test, status: () => Promise<unknown>, log: (after: number) => Promise<unknown>) {
  const catalog = new Catalog(new Products(), new ChangeFeed(systemClock), systemClock)
  const apply = (...indexes: number[]) => catalog.apply(noops(...indexes))
  apply(1, 2, 3)
  const replica = { name: 'order-1', client: { status, log } } as unknown as Replica
  const warnings: string[] = []
  const follower = new Follower([replica], catalog, systemClock, message => void warnings.push(message))
  t.teardown(() => follower.stop())
  return { catalog, apply, run: follower.run(), warnings }
}

const noops = (...indexes: number[]) => bytesOf(indexes.map(index => lineOf(index, 1, { type: 'noop' })))
const leads = { name: 'order-1', leader: 'order-1', role: 'leader', term: 1, lastIndex: 3, commitIndex: 3 }

t.test('a stream that was asked for before the products were reset is not taken', async t => {
  const asked: number[] = []
  const { promise: opened, resolve: open } = Promise.withResolvers()
  const log = (after: number) => (asked.push(after) === 1 ? opened : never)
  const { catalog, run } = followOne(t, async () => leads, log)
  await eventually('the log is asked for', () => asked.length === 1)
  catalog.reset()
  open([noops(3)])
  await Promise.race([run, eventually('it is asked for again', () => asked.length === 2)])
  t.strictSame(asked, [2, 0])
})

t.test('what is applied while the leader is asked for its log’s end is no reason to begin anew', async t => {
  const asked: number[] = []
  const { promise: answered, resolve: answer } = Promise.withResolvers()
  const log = (after: number) => {
    asked.push(after)
    return never
  }
  const { apply, warnings } = followOne(t, () => answered, log)
  apply(4)
  answer(leads)
  await eventually('the log is asked for', () => asked.length === 1)
  t.strictSame(asked, [3])
  t.strictSame(warnings, [])
})

t.test('the catalog is not ready before it has an entry of the leader’s own term', async t => {
  const asked: number[] = []
  const log = (after: number) => {
    asked.push(after)
    return never
  }
  const { catalog } = followOne(t, async () => ({ ...leads, term: 2 }), log)
  await eventually('the log is asked for', () => asked.length === 1)
  t.notOk(catalog.ready)
})

t.test('a gap in the stream is a bug and ends the follower', async t => {
  const { cluster, catalog, run } = await follow(t)
  await eventually('ready', () => catalog.ready)
  cluster.replica('order-3').mangle = () => lineOf(99, 1, { type: 'noop' })
  cluster.buy('Tux')
  await t.rejects(run, /gap/)
})

t.test('while nobody is there, attempts are spaced; then it goes on where it was', async t => {
  const { cluster, catalog, follower, caughtUp } = await follow(t)
  await eventually('all applied', () => catalog.ready && caughtUp())
  await cluster.stop()
  await eventually('nobody is followed', () => follower.following === null)
  const applied = catalog.products.appliedIndex
  t.ok(catalog.ready, 'what it knows it still shows')
  cluster.buy('Tux')
  await Promise.all(cluster.replicas.map(replica => replica.start()))
  await eventually('all applied', caughtUp)
  const asked = cluster.replicas.flatMap(replica => replica.askedAfter)
  t.equal(asked.at(-1), applied - 1, 'from the last line on')
})

t.test('a replica that ends every stream at once is not asked without pause', async t => {
  const { cluster } = await follow(t, cluster => {
    for (const replica of cluster.replicas) replica.streamsEndAtOnce = true
  })
  const asked = () => cluster.replicas.flatMap(replica => replica.askedAfter).length
  await eventually('some attempts', () => asked() >= 3)
  const [before, startMs] = [asked(), performance.now()]
  await eventually('more attempts', () => asked() >= before + 5)
  t.ok(performance.now() - startMs > 100, `5 attempts in ${performance.now() - startMs} ms`)
})

t.test('commands go to the leader, by hint or by trying', async t => {
  const { cluster } = await follow(t)
  const commands = new Commands(cluster.clients())
  const stock = (key: string): Command => ({ type: 'stock', key, name: 'Tux', quantity: 1 })
  t.match(await commands.execute([stock('1')]), [{ index: 3 }])
  await cluster.replica('order-3').stop()
  cluster.elect('order-2')
  t.match(await commands.execute([stock('2')]), [{ index: 5 }])
  cluster.leader = null
  await t.rejects(commands.execute([stock('3')]), /not me/)

  const asked: string[] = []
  const replicas = ['order-1', 'order-2', 'order-3'].map(name => {
    const execute = async () => {
      asked.push(name)
      if (name !== 'order-3') throw new BazaarError('NOT_LEADER', 'not me', 'order-3')
      return []
    }
    return { name, client: { execute } }
  })
  await new Commands(replicas as unknown as [Replica, Replica]).execute([])
  t.strictSame(asked, ['order-1', 'order-3'])
})

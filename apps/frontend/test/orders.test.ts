import {
  type Accepted,
  BazaarError,
  type Clock,
  type Command,
  ConnectionError,
  commandsPerRequestMax,
  systemClock,
} from '@bazaar/client'
import tap, { type Test } from 'tap'
import { FakeClock } from '../../../packages/client/test/fake-clock.ts'
import { eventually } from '../../../test/patience.ts'
import { Gathering } from '../src/gathering.ts'
import { Leadership } from '../src/leader.ts'
import { OrderQueries, queriesMax } from '../src/order-queries.ts'
import { type OrderLimits, Orders } from '../src/orders.ts'
import type { Replicas } from '../src/ports.ts'
import { FakeCluster } from './fixtures/fake-cluster.ts'

let keys = 0
const buy = (quantity = 1, name = 'Tux'): Command => ({ type: 'buy', key: `key-${keys++}`, name, quantity })

async function store(t: Test, limits: Partial<OrderLimits> = {}) {
  const cluster = await FakeCluster.start()
  const replicas = cluster.replicas()
  const leadership = new Leadership(replicas, systemClock)
  const answers: (Accepted | null)[] = []
  const onAnswer = (_command: Command, accepted: Accepted | null) => answers.push(accepted)
  const parts = { replicas, leadership, clock: systemClock, limits: { attemptTimeoutMs: 60, ...limits } }
  t.teardown(async () => {
    await Promise.all([...replicas.values()].map(replica => replica.close()))
    await cluster.stop()
  })
  return { cluster, leadership, answers, orders: new Orders({ ...parts, onAnswer }), queries: new OrderQueries(parts) }
}

/** Makes the leader wait before it answers, until `release`. */
function heldBack(cluster: FakeCluster): { release: () => void } {
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  cluster.beforeAnswer = () => held
  return { release }
}

tap.test('orders that arrive while a request is under way travel together in the next', async t => {
  const { cluster, orders, answers } = await store(t, { attemptTimeoutMs: 5000 })
  const { release } = heldBack(cluster)
  const all = Array.from({ length: 20 }, () => orders.submit(buy()))
  await eventually('the first request', () => cluster.batches.length === 1)
  release()
  const numbers = (await Promise.all(all)).map(({ order }) => order?.number)
  t.same(
    numbers,
    Array.from({ length: 20 }, (_, at) => at + 1),
  )
  t.same(
    cluster.batches.map(batch => batch.length),
    [1, 19],
  )
  t.equal(answers.length, 20)
  t.equal(orders.pending, 0)
})

tap.test('no more orders travel together than a leader takes', async t => {
  const { cluster, orders } = await store(t, { attemptTimeoutMs: 5000 })
  const { release } = heldBack(cluster)
  const all = Array.from({ length: commandsPerRequestMax + 2 }, () => orders.submit(buy()))
  await eventually('the first request', () => cluster.batches.length === 1)
  release()
  await Promise.allSettled(all)
  t.same(
    cluster.batches.map(batch => batch.length),
    [1, commandsPerRequestMax, 1],
  )
})

tap.test('clients that order again at once travel together, also when they began apart', async t => {
  const { cluster, orders } = await store(t, { attemptTimeoutMs: 5000 })
  const { release } = heldBack(cluster)
  const client = async () => {
    for (let ordered = 0; ordered < 20; ordered++) await orders.submit(buy())
  }
  const first = client()
  await eventually('the first request', () => cluster.batches.length === 1)
  const others = [client(), client(), client(), client()]
  release()
  await Promise.all([first, ...others])
  t.same(
    cluster.batches.map(batch => batch.length),
    [1, ...Array(19).fill(5), 4],
  )
})

tap.test('an order waits for clients that were answered, but not long, not often, and never for itself', async t => {
  const timers: { callback: () => void; delayMs: number }[] = []
  let ended = 0
  const clock: Clock = {
    now: () => 0,
    setTimer: (callback, delayMs) => timers.push({ callback, delayMs }),
    clearTimer: () => timers.pop(),
  }
  const gathering = new Gathering(clock, () => ended++)
  gathering.begin(1, 0)
  t.notOk(gathering.holds(1), 'a single client')
  gathering.begin(1, 64)
  gathering.begin(65, 0)
  t.same(timers, [], 'a large batch')

  gathering.begin(2, 1)
  t.same(
    [0, 1, 2, 3].map(waiting => gathering.holds(waiting)),
    [true, true, true, false],
  )
  t.same(timers, [], 'all are there')
  const timesFor = [2, 20, 21, 64].map(answered => {
    gathering.begin(answered, 0)
    const [timer] = timers
    gathering.holds(answered)
    return timer?.delayMs
  })
  t.same(timesFor, [2, 2, 21 * 0.1, 6.4], 'ms')
  t.notOk(gathering.holds(1), 'and it is over')

  gathering.begin(2, 0)
  gathering.begin(3, 0)
  t.equal(timers.length, 1, 'one wait at a time')
  gathering.holds(2)

  const batchesUntilTheNext = () => {
    for (let batches = 1; ; batches++) {
      gathering.begin(2, 0)
      if (gathering.holds(1)) return batches
    }
  }
  const leave = () => timers.pop()?.callback()
  const batches = Array.from({ length: 9 }, () => {
    const count = batchesUntilTheNext()
    leave()
    t.notOk(gathering.holds(0), 'the time is up')
    return count
  })
  t.same(batches, [1, 2, 3, 5, 9, 17, 33, 65, 65], 'clients that stay away are waited for ever more rarely')
  t.equal(ended, 9)
  for (const expected of [65, 1, 1]) {
    t.equal(batchesUntilTheNext(), expected, 'until they come back')
    t.notOk(gathering.holds(2))
  }
  gathering.begin(2, 0)
  leave()
  t.equal(batchesUntilTheNext(), 2, 'and then as at first')
})

tap.test('each order of a batch gets its own answer', async t => {
  const { cluster, orders } = await store(t, { attemptTimeoutMs: 5000 })
  const { release } = heldBack(cluster)
  const first = orders.submit(buy())
  await eventually('the first request', () => cluster.batches.length === 1)
  const reused = buy()
  const settled = Promise.allSettled([
    orders.submit(buy(1000)),
    orders.submit(reused),
    orders.submit(buy(1, 'Yeti')),
    orders.submit({ ...reused, quantity: 2 } as Command),
    orders.submit(reused),
  ])
  release()
  await first
  t.match(await settled, [
    { status: 'rejected', reason: { reason: 'OUT_OF_STOCK', message: 'Tux: 1000 asked, 99 in stock' } },
    { status: 'fulfilled', value: { order: { number: 2 } } },
    { status: 'rejected', reason: { reason: 'PRODUCT_NOT_FOUND' } },
    { status: 'rejected', reason: { reason: 'KEY_REUSED' } },
    { status: 'fulfilled', value: { order: { number: 2 } } },
  ])
})

tap.test('the hint of a replica that does not lead is followed', async t => {
  const { cluster, orders, leadership } = await store(t)
  await orders.submit(buy())
  t.equal(leadership.name, 'order-3')
  cluster.leader = 'order-1'
  cluster.term++
  t.equal((await orders.submit(buy())).order?.number, 2)
  t.equal(leadership.name, 'order-1')
})

tap.test('a hint that leads nowhere does not make a loop', async t => {
  const { cluster, orders } = await store(t, { orderDeadlineMs: 300 })
  await orders.submit(buy())
  cluster.leader = null
  cluster.hint = name => (name === 'order-1' ? 'order-2' : 'order-1')
  await t.rejects(orders.submit(buy()), { name: 'BazaarError', reason: 'NO_QUORUM' })
})

tap.test('when the leader is killed, the order goes to its successor with the same key, and once', async t => {
  const attemptTimeoutMs = 5_000
  const { cluster, orders } = await store(t, { attemptTimeoutMs })
  await orders.submit(buy())
  const { release } = heldBack(cluster)
  const waiting = [orders.submit(buy()), orders.submit(buy())]
  await eventually('the second request', () => cluster.batches.length === 2)
  cluster.peer('order-3').kill()
  cluster.leader = null
  setTimeout(() => {
    cluster.leader = 'order-2'
    cluster.term++
  }, 40)
  const before = performance.now()
  release()
  t.same(
    (await Promise.all(waiting)).map(({ order }) => order?.number),
    [2, 3],
  )
  t.ok(performance.now() - before < attemptTimeoutMs, 'its connection was closed: nobody waits for the attempt to end')
  t.equal(cluster.orders.length, 3)
})

tap.test('a paused leader keeps its connections open, but holds nobody up for longer than an attempt', async t => {
  const { cluster, orders } = await store(t)
  await orders.submit(buy())
  cluster.peer('order-3').paused = true
  const first = orders.submit(buy())
  const second = orders.submit(buy())
  setTimeout(() => {
    cluster.leader = 'order-1'
    cluster.term++
  }, 100)
  const numbers = (await Promise.all([first, second])).map(({ order }) => order?.number)
  t.same(numbers.sort(), [2, 3], 'in whichever order they reach the next leader')
})

tap.test('an order that is sent again holds no other up', async t => {
  const { cluster, orders } = await store(t, { attemptTimeoutMs: 5000 })
  const repeated = buy()
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  let asked = 0
  cluster.beforeAnswer = async ([command]) => {
    if (command?.key !== repeated.key) return
    if (asked++ === 0) throw new BazaarError('NO_QUORUM', 'nobody follows')
    await held
  }
  const first = orders.submit(repeated)
  await eventually('to be asked again', () => asked === 2)
  t.equal((await orders.submit(buy())).order?.number, 1)
  release()
  t.equal((await first).order?.number, 2)
})

tap.test('an order that may be under way is not refused for want of room, but sent until it is answered', async t => {
  const { cluster, orders } = await store(t)
  await orders.submit(buy())
  const refusal = new BazaarError('OVERLOADED', 'the disk is full')
  cluster.beforeAnswer = () => Promise.reject(refusal)
  await t.rejects(orders.submit(buy()), refusal, 'one that was never sent is refused at once')
  let asked = 0
  cluster.beforeAnswer = async () => {
    asked++
    if (asked === 1) await new Promise(() => undefined)
    if (asked < 4) throw refusal
  }
  t.equal((await orders.submit(buy())).order?.number, 2)
  t.equal(asked, 4)
})

tap.test('only who is taken for the leader fails as one, and a hint at itself or at a stranger is none', async t => {
  const { leadership } = await store(t)
  const hint = (name: string) => new BazaarError('NOT_LEADER', 'somebody else leads', name)
  const find = () => leadership.find(performance.now() + 1000)
  t.equal(await find(), 'order-3')
  leadership.failed('order-1', hint('order-2'))
  t.equal(leadership.name, 'order-3', 'another was asked before')
  for (const useless of ['order-3', 'order-9']) {
    leadership.failed('order-3', hint(useless))
    t.equal(leadership.name, null, useless)
    t.equal(await find(), 'order-3')
  }
})

tap.test('while nobody leads, the replicas are asked ever less often, and a silent one holds nobody up', async t => {
  const clock = new FakeClock()
  let role = 'follower'
  let asked = 0
  const status = async () => {
    // Without a pause this would go on for ever.
    if (asked++ > 1000) throw new Error('asked without a pause')
    return { role, term: 1 }
  }
  const silent = { status: () => new Promise(() => {}) }
  const replicas = new Map<string, unknown>([
    ['order-1', silent],
    ['order-2', { status }],
  ]) as Replicas
  const found = new Leadership(replicas, clock).find(10_000)
  await clock.advance(4000)
  t.ok(asked > 60 && asked < 200, `${asked} times`)
  role = 'leader'
  await clock.advance(200)
  t.equal(await found, 'order-2')
})

tap.test('a leader that woke up in an old term is not believed', async t => {
  const { cluster, leadership } = await store(t)
  t.equal(await leadership.find(performance.now() + 1000), 'order-3')
  cluster.term = 0
  leadership.failed('order-3', new Error('closed'))
  t.equal(await leadership.find(performance.now() + 50), null)
  cluster.term = 2
  t.equal(await leadership.find(performance.now() + 1000), 'order-3')
})

tap.test('a cut-off candidate with a higher term does not hide the leader', async t => {
  const roles = { 'order-1': { role: 'candidate', term: 9 }, 'order-2': { role: 'leader', term: 5 } }
  const replicas = new Map(
    Object.entries(roles).map(([name, state]) => [name, { status: async () => ({ name, ...state }) }]),
  )
  const leadership = new Leadership(replicas as unknown as Replicas, systemClock)
  t.equal(await leadership.find(performance.now() + 1000), 'order-2')
  leadership.failed('order-2', new Error('closed'))
  t.equal(await leadership.find(performance.now() + 1000), 'order-2')
})

tap.test('without a majority an order is refused at its deadline, and nobody hangs', async t => {
  const { cluster, orders, queries } = await store(t, { orderDeadlineMs: 150 })
  for (const name of ['order-1', 'order-2', 'order-3']) cluster.peer(name).kill()
  const before = performance.now()
  const refused = await Promise.allSettled([orders.submit(buy()), orders.submit(buy()), queries.order(1)])
  t.match(refused, Array(3).fill({ status: 'rejected', reason: { reason: 'NO_QUORUM' } }))
  t.ok(performance.now() - before < 1150)
  t.equal(orders.pending, 0)
})

tap.test('a leader that says it has no majority, or a bug, is asked again', async t => {
  const { cluster, orders } = await store(t)
  const refusals = ['NO_QUORUM', 'INTERNAL', 'NO_QUORUM'] as const
  let asked = 0
  cluster.beforeAnswer = async () => {
    const refusal = refusals[asked++]
    if (refusal !== undefined) throw new BazaarError(refusal, 'not now')
  }
  t.equal((await orders.submit(buy())).order?.number, 1)
  t.equal(asked, 4)
})

tap.test('an order of which the leader says that it was deposed goes to the next', async t => {
  const asked: string[] = []
  const replica = (name: string, role: string, result: unknown) => ({
    status: async () => ({ name, role, term: 1 }),
    execute: async () => {
      asked.push(name)
      return [result]
    },
  })
  const replicas = new Map([
    ['order-1', replica('order-1', 'leader', new BazaarError('NOT_LEADER', 'deposed', 'order-2').toBody())],
    ['order-2', replica('order-2', 'follower', { index: 7 })],
  ]) as unknown as Replicas
  const leadership = new Leadership(replicas, systemClock)
  const orders = new Orders({ replicas, leadership, clock: systemClock, onAnswer: () => {} })
  t.match(await orders.submit(buy()), { index: 7 })
  t.same(asked, ['order-1', 'order-2'])
})

tap.test('OVERLOADED goes back to the client, from the leader and from the queue', async t => {
  const { cluster, orders } = await store(t, { ordersWaitingMax: 2, attemptTimeoutMs: 5000 })
  const { release } = heldBack(cluster)
  const waiting = [orders.submit(buy()), orders.submit(buy())]
  await t.rejects(orders.submit(buy()), { name: 'BazaarError', reason: 'OVERLOADED', message: /2 orders are waiting/ })
  release()
  await Promise.all(waiting)
  cluster.beforeAnswer = async () => {
    throw new BazaarError('OVERLOADED', 'too much')
  }
  await t.rejects(orders.submit(buy()), { name: 'BazaarError', reason: 'OVERLOADED', message: 'too much' })
})

tap.test('why no replica reads an order is told, led or not', async t => {
  const { leadership } = await store(t)
  const failing = { order: () => Promise.reject(new BazaarError('OVERLOADED', 'too much')) }
  const replicas = new Map([['order-1', failing]]) as unknown as Replicas
  const queries = new OrderQueries({ replicas, leadership, clock: systemClock })
  t.equal(leadership.name, null)
  await t.rejects(queries.order(1), { reason: 'OVERLOADED', message: 'too much' })
})

tap.test('an order that another replica has is read at once when the leader fails', async t => {
  const order = { number: 1, name: 'Tux', type: 'buy', quantity: 1, price: 25.99 }
  const replicas = new Map([
    ['order-1', { order: () => Promise.reject(new ConnectionError('killed')) }],
    ['order-2', { order: async () => order }],
  ]) as unknown as Replicas
  const leadership = {
    name: 'order-1' as string | null,
    failed: () => {
      leadership.name = null
    },
    find: async () => t.fail('a leader is waited for'),
  }
  const parts = { replicas, leadership: leadership as unknown as Leadership, clock: systemClock }
  t.equal(await new OrderQueries(parts).order(1), order)
})

tap.test('so many queries at a time, and no more', async t => {
  const { leadership } = await store(t)
  const { promise: held, resolve: release } = Promise.withResolvers<null>()
  const replicas = new Map([['order-1', { order: () => held }]]) as unknown as Replicas
  const queries = new OrderQueries({ replicas, leadership, clock: systemClock })
  const asked = Array.from({ length: queriesMax }, () => queries.order(1))
  await t.rejects(queries.order(1), {
    reason: 'OVERLOADED',
    message: `${queriesMax} order queries are waiting already`,
  })
  release(null)
  await Promise.all(asked)
  t.equal(await queries.order(1), null)
})

tap.test('an order is read from the leader, and that there is none only the leader may say', async t => {
  const { cluster, orders, queries } = await store(t)
  await orders.submit(buy())
  t.match(await queries.order(1), { number: 1, name: 'Tux' })
  t.equal(await queries.order(2), null)
  cluster.peer('order-3').kill()
  const asked = queries.order(1)
  setTimeout(() => {
    cluster.leader = 'order-2'
    cluster.term++
  }, 20)
  t.match(await asked, { number: 1 })
  t.equal(await queries.order(2), null)
})

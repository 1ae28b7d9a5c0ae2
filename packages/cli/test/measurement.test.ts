import dns from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Product } from '@bazaar/client'
import t from 'tap'
import { runExperiment } from '../src/experiment.ts'
import { formatMs } from '../src/format.ts'
import { measureNetwork } from '../src/network.ts'
import { closedPace, openPace } from '../src/pace.ts'
import { seededRandom } from '../src/random.ts'
import { confidence95, meanOfSlices, Recorder, summarize } from '../src/statistics.ts'
import { sumStock, verifyOrders } from '../src/verification.ts'
import { defaultProducts, FakeShop } from './fake-shop.ts'

const close = (actual: number | null, expected: number, tolerance: number) =>
  actual !== null && Math.abs(actual - expected) <= tolerance

t.test('a recorder agrees with the exact statistics of known samples', async t => {
  const recorder = new Recorder()
  for (let time = 1000; time >= 1; time -= 1) recorder.record(time / 10)
  const { count, mean, ci95, p50, p99, max } = recorder.summary()
  t.equal(count, 1000)
  t.ok(close(mean, 50.05, 1e-9), `mean ${mean}`)
  // The deviation of 0.1, 0.2 … 100.0 is 28.8819; over √1000, times t = 1.9623.
  t.ok(close(ci95, 1.7923, 1e-3), `interval ${ci95}`)
  t.ok(close(summarize([1, 3]).ci95, 12.7062, 1e-3), 'n − 1 counts where there are two')
  t.ok(close(p50, 50, 0.06), `p50 ${p50}`)
  t.ok(close(p99, 99, 0.1), `p99 ${p99}`)
  t.equal(max, 100)
})

t.test('a percentile is never above the maximum, and no sample means no figures', async t => {
  const recorder = new Recorder()
  const none = { count: 0, mean: null, ci95: null, p50: null, p99: null, max: null }
  t.strictSame(recorder.summary(), none)
  recorder.record(1.2345)
  const one = recorder.summary()
  t.strictSame({ ...one, p50: 0 }, { count: 1, mean: 1.2345, ci95: null, p50: 0, p99: 1.2345, max: 1.2345 })
  recorder.record(0)
  t.ok((recorder.percentile(1) ?? 1) < 1e-5, 'a time of zero is kept')
})

t.test('the confidence interval uses the quantiles of Student’s t', async t => {
  // Tables: t(0.975) is 12.706, 4.303, 3.182, 2.776, 2.262, 2.045, 1.984 for 1, 2, 3, 4, 9, 29, 99 degrees.
  const table = [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [29, 2.045],
    [99, 1.984],
  ] as const
  for (const [degrees, quantile] of table) {
    const count = degrees + 1
    t.ok(close(confidence95(Math.sqrt(count), count), quantile, quantile * 0.01), `${degrees} degrees of freedom`)
  }
})

t.test('the mean of slices weighs them by their samples, and its interval tells how the slices differ', async t => {
  const slices = [
    { count: 10, mean: 1 },
    { count: 30, mean: 2 },
    { count: 20, mean: 3 },
  ]
  const { count, mean, ci95 } = meanOfSlices(slices)
  t.equal(count, 60)
  t.ok(close(mean, 130 / 60, 1e-9), `mean ${mean}`)
  // Counts times differences are -11.667, -5 and 16.667: √(438.89 / 2) × 3 / 60, over √3, times t = 4.3027.
  t.ok(close(ci95, 1.84, 1e-3), `interval ${ci95}`)
  t.equal(meanOfSlices(slices.slice(0, 1)).ci95, null)
})

t.test('the summary of a short list has exact percentiles by nearest rank', async t => {
  const { p50, p99, max, mean } = summarize([5, 1, 4, 2, 3])
  t.strictSame([p50, p99, max, mean], [3, 5, 5, 3])
  t.equal(summarize([]).p50, null)
})

t.test('the percentiles of few samples are those of the nearest rank, however long the tail', async t => {
  for (let count = 1; count <= 250; count += 1) {
    const recorder = new Recorder()
    const times = Array.from({ length: count }, (_, at) => 1.05 ** at / 1000)
    for (const time of times) recorder.record(time)
    for (const percent of [1, 50, 90, 99, 100]) {
      const exact = times[Math.ceil((percent / 100) * count) - 1] as number
      const percentile = recorder.percentile(percent) as number
      if (!close(percentile, exact, exact / 500)) t.fail(`p${percent} of ${count}: ${percentile}, not ${exact}`)
    }
  }
})

t.test('times have three digits that matter, also where they are rounded up', async t => {
  const times = [null, 0, 0.00004, 0.9994, 0.9996, 9.994, 9.996, 99.94, 99.96, 999.96, 12_345]
  const texts = ['–', '0.000', '0.000', '0.999', '1.00', '9.99', '10.0', '99.9', '100', '1000', '12345']
  t.strictSame(times.map(formatMs), texts)
})

t.test('a seed decides the numbers, and streams differ', async t => {
  const draw = (seed: number, stream: number) => {
    const random = seededRandom(seed, stream)
    return Array.from({ length: 8 }, () => random.below(1000))
  }
  t.strictSame(draw(1, 0), draw(1, 0))
  t.notSame(draw(1, 0), draw(2, 0))
  t.notSame(draw(1, 0), draw(1, 1))
  const random = seededRandom(7)
  const mean = Array.from({ length: 20_000 }, () => random.next()).reduce((a, b) => a + b) / 20_000
  t.ok(close(mean, 0.5, 0.01), `mean ${mean}`)
  t.throws(() => random.pick([]), { message: /at least one item/ })
})

const options = {
  p: 0.5,
  extent: { iterations: 40 },
  ratePerSecond: null,
  seed: 3,
  products: defaultProducts.map(product => product.name),
  keyPrefix: 'test',
}

t.test('the experiment orders with the probability asked, counts all, and acknowledges what the shop has', async t => {
  const shop = new FakeShop()
  let iterations = 0
  const shoppers = [shop.shopper(), shop.shopper()]
  const result = await runExperiment(shoppers, { ...options, onIteration: () => (iterations += 1) })
  t.equal(result.iterations, 80)
  t.equal(iterations, 80)
  t.equal(result.lookup.count, 80)
  t.equal(result.lookupAndOrder.count, 80)
  t.equal(result.order.count, shop.orders.length)
  t.ok(result.order.count > 20 && result.order.count < 60, `${result.order.count} orders at p = 0.5`)
  t.equal(result.cacheHitRatio, 77 / 80)
  t.equal(result.errors, 0)
  const verified = await verifyOrders(shoppers, result.acknowledged)
  t.strictSame(verified, { orders: shop.orders.length, mismatches: 0, unread: 0, examples: [] })
  const after = await shop.shopper().products()
  const { expected, actual, wrong } = sumStock(defaultProducts, result.acknowledged, after)
  t.strictSame([actual, wrong], [expected, 0])
  const [one, other, ...rest] = after as [Product, Product, ...Product[]]
  const swapped = [{ ...one, quantity: one.quantity + 1 }, { ...other, quantity: other.quantity - 1 }, ...rest]
  t.strictSame(sumStock(defaultProducts, result.acknowledged, swapped), { expected, actual, wrong: 2 })
})

t.test('one seed makes one client shop alike, another seed otherwise', async t => {
  const visited = async (seed: number) => {
    const shop = new FakeShop()
    await runExperiment([shop.shopper()], { ...options, seed })
    return [shop.lookedUp, shop.orders]
  }
  t.strictSame(await visited(3), await visited(3))
  t.notSame(await visited(3), await visited(4))
  const [one, other] = [new FakeShop(), new FakeShop()]
  await runExperiment([one.shopper(), other.shopper()], options)
  t.notSame(one.lookedUp, other.lookedUp, 'and each client in its own way')
})

t.test('one seed makes an open loop look up and order alike, whichever client has the time', async t => {
  const visited = async (delays: readonly number[]) => {
    let request = 0
    const shop = new FakeShop({ delayMs: () => delays[request++ % delays.length] as number })
    const crowd = [shop.shopper(), shop.shopper(), shop.shopper()]
    const { acknowledged } = await runExperiment(crowd, { ...options, ratePerSecond: 2000 })
    t.equal(shop.lookedUp.length, 120, 'as many for each client')
    return [shop.lookedUp.toSorted(), acknowledged.map(({ name }) => name).toSorted()]
  }
  t.strictSame(await visited([1, 5, 1]), await visited([3, 1, 1, 2]))
})

t.test('p = 0 never orders, p = 1 always, and an empty shelf is not ordered from', async t => {
  const never = await runExperiment([new FakeShop().shopper()], { ...options, p: 0 })
  t.strictSame([never.order.count, never.order.mean], [0, null])
  const always = await runExperiment([new FakeShop().shopper()], { ...options, p: 1 })
  t.equal(always.order.count, 40)
  const parts = (always.lookup.mean ?? 0) + (always.order.mean ?? 0)
  t.ok(parts > 0 && close(always.lookupAndOrder.mean, parts, 1e-6), 'an iteration is its look-up and its order')
  const shop = new FakeShop({ products: defaultProducts.map(product => ({ ...product, quantity: 5 })) })
  const scarce = await runExperiment([shop.shopper()], { ...options, p: 1 })
  t.strictSame([scarce.order.count, scarce.refused, scarce.errors, scarce.lookupAndOrder.count], [15, 0, 0, 40])
  t.strictSame([scarce.soldOut, always.soldOut, never.soldOut], [25, 0, 0])
})

t.test('a refusal is no error, and an error is counted with its message', async t => {
  const shop = new FakeShop({
    products: [{ name: 'Tux', price: 1, quantity: 1 }],
    delayMs: () => 1,
  })
  // All look at the last one before any of them has it.
  const crowd = Array.from({ length: 5 }, () => shop.shopper())
  const race = await runExperiment(crowd, { ...options, p: 1, extent: { iterations: 1 }, products: ['Tux'] })
  t.strictSame([race.order.count, race.refused, race.errors], [1, 4, 0])
  t.equal(race.perSecond, 10_000 / race.elapsedMs, 'a refusal is an answer')
  shop.failures = 1
  const failing = await runExperiment([shop.shopper()], { ...options, products: ['Tux'] })
  t.strictSame([failing.errors, failing.errorMessages], [1, ['connection reset']])
  t.equal(failing.iterations, 40)
  t.equal(failing.lookup.count, 39)
  t.equal(failing.cacheHitRatio, 1, 'of the look-ups that were answered')
  const shopper = shop.shopper()
  const untold = { ...shopper, lookUp: async (name: string) => ({ ...(await shopper.lookUp(name)), hit: null }) }
  t.equal((await runExperiment([untold], { ...options, products: ['Tux'] })).cacheHitRatio, null)
})

t.test('an order that is not the one asked for is an error, however well it reads back', async t => {
  const answers: [object, string][] = [
    [{ name: 'Whale' }, 'asked for buy 1 Tux, answered order 1: buy 1 Whale'],
    [{ quantity: 5 }, 'asked for buy 1 Tux, answered order 1: buy 5 Tux'],
    [{ type: 'sell' }, 'asked for buy 1 Tux, answered order 1: sell 1 Tux'],
  ]
  for (const [wrong, message] of answers) {
    const shopper = new FakeShop().shopper()
    const liar = {
      ...shopper,
      order: async (...asked: Parameters<typeof shopper.order>) => ({ ...(await shopper.order(...asked)), ...wrong }),
    }
    const asked = { ...options, p: 1, products: ['Tux'], extent: { iterations: 1 } }
    const { errors, errorMessages, acknowledged } = await runExperiment([liar], asked)
    t.strictSame([errors, errorMessages, acknowledged], [1, [message], []])
  }
})

t.test('a shop that answers nothing for long enough is given up', async t => {
  const shop = new FakeShop()
  shop.failures = Number.POSITIVE_INFINITY
  const crowd = [shop.shopper(), shop.shopper()]
  const atOnce = await runExperiment(crowd, { ...options, silenceMaxMs: 0 })
  t.ok(atOnce.errors >= 1 && atOnce.errors <= 2, `${atOnce.errors} errors`)
  const later = await runExperiment(crowd, { ...options, silenceMaxMs: 120, extent: { iterations: 1000 } })
  t.ok(later.errors > 2 && later.errors < 20, `${later.errors} errors`)
  t.equal(later.errorMessages.at(-1), 'nothing was answered for 0.12 s: the rest was not tried')
  const open = await runExperiment(crowd, { ...options, ratePerSecond: 10, silenceMaxMs: 0 })
  t.strictSame([open.givenUp, open.missedStarts, open.lookup.count], [true, 0, 0], 'what was not tried took no time')
  let requests = 0
  const slow = new FakeShop({
    delayMs() {
      requests += 1
      if (requests === 2) slow.failures = 1
      return requests === 1 ? 300 : 0
    },
  })
  const goingOn = await runExperiment([slow.shopper()], { ...options, silenceMaxMs: 250 })
  t.strictSame([goingOn.errors, goingOn.givenUp, goingOn.iterations], [1, false, 40], 'it has just answered')
})

t.test('a lost, changed or twice numbered order is a mismatch', async t => {
  const shop = new FakeShop()
  const { acknowledged } = await runExperiment([shop.shopper()], { ...options, p: 1 })
  for (const changed of [{ name: 'Duke' }, { type: 'sell' }, { quantity: 2 }, { price: 1 }]) {
    shop.orders[3] = { ...acknowledged[3], ...changed } as (typeof acknowledged)[number]
    t.equal((await verifyOrders([shop.shopper()], acknowledged)).mismatches, 1, JSON.stringify(changed))
  }
  shop.orders.pop()
  const twice = { ...acknowledged[0] } as (typeof acknowledged)[number]
  const { orders, mismatches, examples } = await verifyOrders([shop.shopper()], [...acknowledged, twice, twice])
  t.strictSame([orders, mismatches], [42, 4])
  t.match(examples.join(), /2 orders had the number of another.*order 4: acknowledged .*order 40: it is not there/)
})

t.test('a shop that answers no more is not asked for every order', async t => {
  const shop = new FakeShop()
  const { acknowledged } = await runExperiment([shop.shopper()], { ...options, p: 1 })
  shop.failures = Number.POSITIVE_INFINITY
  let asked = 0
  const { orders, mismatches, unread } = await verifyOrders([shop.shopper()], acknowledged, () => (asked += 1))
  t.strictSame([orders, mismatches, unread, asked], [0, 0, 40, 20])
})

t.test('a closed loop ends by count or by time', async t => {
  const counted = closedPace({ iterations: 2 }, performance.now())
  t.ok(counted.next() !== null && counted.next() !== null)
  t.equal(counted.next(), null)
  const timed = closedPace({ seconds: 10 }, performance.now() - 10_001)
  t.equal(timed.next(), null)
})

t.test('an open loop measures from the intended start when every client was busy', async t => {
  const startedAt = performance.now() - 1000
  const pace = openPace(10, 1, { iterations: 12 }, startedAt)
  for (let start = 0; start < 10; start += 1) t.equal(await pace.next(), startedAt + start * 100)
  t.equal(pace.lateStarts, 9, 'nobody was busy when the first was due')
  const waited = (await pace.next()) ?? 0
  t.ok(waited >= startedAt + 1000, 'a start that is still to come is waited for')
  t.ok(waited < startedAt + 1100)
  const held = pace.next()
  while (performance.now() < startedAt + 1150);
  t.equal(await held, startedAt + 1100, 'a client that is held up itself starts late, too')
})

t.test(
  'an open loop in seconds ends with them, also where the shop cannot keep up, and counts a slow rate right',
  async t => {
    const shop = new FakeShop({ delayMs: () => 20 })
    const asked = { ...options, p: 0 }
    const fast = await runExperiment([shop.shopper()], { ...asked, ratePerSecond: 10_000, extent: { seconds: 0.2 } })
    t.ok(fast.iterations >= 1 && fast.iterations <= 10, `${fast.iterations} of 2,000`)
    t.ok(fast.lateStarts >= fast.iterations - 1, `${fast.lateStarts} late`)
    t.equal(fast.iterations + fast.missedStarts, 2000)
    t.strictSame([fast.lookup.count, fast.lookupAndOrder.count], [2000, 2000], 'who never started has waited, too')
    t.ok((fast.lookup.p50 ?? 0) > 90, `p50 ${fast.lookup.p50}`)
    t.ok(fast.perSecond <= 50, `${fast.perSecond} a second were answered`)
    const slow = await runExperiment([shop.shopper()], { ...asked, ratePerSecond: 4, extent: { seconds: 0.2 } })
    t.strictSame([slow.iterations, slow.lateStarts, slow.missedStarts], [1, 0, 0])
    t.ok(close(slow.perSecond, 5, 0.1), `${slow.perSecond} a second`)
  },
)

t.test('a shop that stalls cannot hide it from an open loop', async t => {
  let requests = 0
  // The third request takes 100 ms, all others 1; a closed loop would see one slow request among 40.
  const delayMs = () => (++requests === 3 ? 100 : 1)
  const stalled = new FakeShop({ delayMs })
  const open = await runExperiment([stalled.shopper()], { ...options, p: 0, ratePerSecond: 200 })
  requests = 0
  const closed = await runExperiment([new FakeShop({ delayMs }).shopper()], { ...options, p: 0 })
  t.equal(open.iterations, 40)
  t.ok(
    (open.lookup.mean ?? 0) > Math.max(20, closed.lookup.mean ?? 0),
    `open ${open.lookup.mean}, closed ${closed.lookup.mean}`,
  )
  t.ok(open.elapsedMs > 190, 'the rate holds')
})

t.test('finding the address of a name is no part of the network’s round trip', async t => {
  const server = createServer(socket => socket.resume()).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  let found = 0
  const lookup = (_name: string, _options: object, onFound: (...answer: unknown[]) => void) => {
    found += 1
    setTimeout(onFound, 100, null, [{ address: '127.0.0.1', family: 4 }])
  }
  t.intercept(dns, 'lookup', { value: lookup })
  const { count, p50 } = await measureNetwork(`http://shop.test:${(server.address() as AddressInfo).port}`)
  t.strictSame([count, found], [9, 9])
  t.ok((p50 ?? 100) < 90, `p50 ${p50}`)
})

import t from 'tap'
import { seededRandom } from '../src/random.ts'
import { LRUModel, type ReplacementStep, watchReplacement } from '../src/replacement.ts'
import { replacementJson, replacementPassed, replacementText } from '../src/replacement-report.ts'
import type { Shopper } from '../src/shopper.ts'
import { FakeShop } from './fake-shop.ts'

const products = ['Tux', 'Whale', 'Elephant']

/** A shop whose cache is an LRU of `entriesMax`, which an order uses, too. */
function cachingShopper(entriesMax: number): Shopper {
  const shopper = new FakeShop().shopper()
  const cache = new LRUModel(entriesMax)
  return {
    ...shopper,
    async lookUp(name) {
      const hit = cache.has(name)
      cache.use(name)
      return { ...(await shopper.lookUp(name)), hit }
    },
    async order(request, key) {
      cache.use(request.name)
      return shopper.order(request, key)
    },
  }
}

let stepped = 0
const onStep = () => {
  stepped += 1
}
const options = { products, entriesMax: 2, lookups: 30, p: 0.2, random: seededRandom(1), keyPrefix: 'k', onStep }

t.test('the model forgets what was not used for longest', async t => {
  const cache = new LRUModel(2)
  t.strictSame([cache.use('a'), cache.use('b'), cache.use('a'), cache.use('c')], [null, null, null, 'b'])
  t.strictSame(cache.held, ['c', 'a'])
  t.strictSame([cache.has('c'), cache.has('b')], [true, false])
})

t.test('an LRU of the right size agrees every time, and the picture shows what it holds', async t => {
  const steps = await watchReplacement(cachingShopper(2), options)
  t.ok(replacementPassed(steps))
  t.equal(steps.filter(({ event }) => event !== 'order').length, 30)
  t.equal(stepped, 30)
  t.matchSnapshot(replacementText(products, 2, steps))
})

t.test('what is sold out is looked up, and not ordered', async t => {
  const shop = new FakeShop()
  for (const product of shop.stock.values()) product.quantity = product.name === 'Tux' ? 0 : 1
  const steps = await watchReplacement(shop.shopper(), { ...options, p: 1, random: seededRandom(1) })
  t.equal(steps.filter(({ event }) => event !== 'order').length, 30)
  t.same(shop.orders.map(({ name }) => name).sort(), ['Elephant', 'Whale'])
})

t.test('the picture fits a terminal, however long the names are', async t => {
  const long = ['Tux', 'Whale of the northern seas, in felt, with two young ones']
  const hits = Array.from({ length: 100 }, () => ({
    name: 'Tux',
    event: 'hit',
    expected: 'hit',
    held: long,
    evicted: null,
  }))
  const lines = replacementText(long, 2, hits as ReplacementStep[]).split('\n')
  t.equal(Math.max(...lines.map(line => line.length)), 80)
  t.ok(lines.includes(`Whale of the northern s…  ${'─'.repeat(54)}`), lines.join('\n'))
  t.ok(lines.includes(`${'Tux'.padEnd(24)}  ${'●'.repeat(46)}`), 'the rest goes below')
})

t.test('the picture lines up, however wide the letters of the names are', async t => {
  // Precomposed, with a combining mark, wide, and a family of one emoji.
  const names = ['Caf\u00e9', 'Cafe\u0301', '\u30da\u30f3\u30ae\u30f3', '\u{1f469}\u200d\u{1f467}', '\u9be8'.repeat(20)]
  const step = { name: names[0], event: 'hit', expected: 'hit', held: names, evicted: null }
  const rows = replacementText(names, 5, [step] as ReplacementStep[])
    .split('\n\n')[1]
    ?.split('\n')
  const columns = [4, 4, 8, 2, 23]
  const labels = [...names.slice(0, 4), `${'\u9be8'.repeat(11)}…`]
  t.strictSame(
    rows,
    labels.map((label, at) => `${label}${' '.repeat(25 - (columns[at] as number))}${at === 0 ? '●' : '─'}`),
  )
})

t.test('a cache that is off holds nothing, and what was seen is told', async t => {
  const off = { ...options, entriesMax: 0 }
  const steps = await watchReplacement(cachingShopper(0), { ...off, random: seededRandom(1) })
  t.matchSnapshot(replacementText(products, 0, steps))
  const wrong = replacementText(products, 0, await watchReplacement(cachingShopper(2), off))
  t.match(wrong, /[1-9]\d* of 30 look-ups were hits, although the cache is off\n\nFAILED$/)
})

t.test('answers that do not say whether the cache had them are no misses', async t => {
  const shopper = cachingShopper(2)
  const untold = { ...shopper, lookUp: async (name: string) => ({ ...(await shopper.lookUp(name)), hit: null }) }
  await t.rejects(watchReplacement(untold, options), { name: 'ConnectionError', message: /Cache-Status is missing/ })
})

t.test('a cache of another size or kind is found out', async t => {
  t.notOk(replacementPassed(await watchReplacement(cachingShopper(1), { ...options, random: seededRandom(1) })))
  const steps = await watchReplacement(new FakeShop().shopper(), options)
  t.match(replacementText(products, 2, steps), /\n\nFAILED$/)
  t.match(replacementJson(2, steps), { entriesMax: 2, passed: false })
})

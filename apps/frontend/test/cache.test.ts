import { type Accepted, BazaarError, ConnectionError, type Product } from '@bazaar/client'
import tap from 'tap'
import { FakeClock, settled } from '../../../packages/client/test/fake-clock.ts'
import { Cache, type CacheLimits } from '../src/cache.ts'
import { Catalogs } from '../src/catalogs.ts'
import { confirmedIndex } from '../src/confirmed-index.ts'
import { followChanges } from '../src/feed.ts'
import type { Replicas } from '../src/ports.ts'
import { FakeCatalog } from './fixtures/fake-catalog.ts'

const tux = (quantity: number): Product => ({ name: 'Tux', price: 25.99, quantity })
const json = (product: Product) => JSON.stringify({ data: product })
const buyTux = { type: 'buy', key: 'k', name: 'Tux', quantity: 1 } as const
/** An order's answer at this index, with what is left of the product, or without: the key is a repeated one. */
const bought = (index: number, stock?: number): Accepted => {
  const order = { number: 1, name: 'Tux', type: 'buy', quantity: 1, price: 25.99 } as const
  return stock === undefined ? { index, order } : { index, order, stock }
}

/** A cache that is open at index 10 and fed from 10 on. */
function fedCache(limits: Partial<CacheLimits> = {}) {
  const clock = new FakeClock()
  const catalog = new FakeCatalog()
  const cache = new Cache(new Catalogs([catalog], clock), clock, limits)
  cache.open(10)
  cache.feedUp({ index: 10 })
  /** Looks the product up, through the cache or the catalog; undefined while the catalog has not answered. */
  const look = (name = 'Tux') => {
    const hit = cache.get(name)
    return hit === undefined ? cache.fetch(name) : Promise.resolve(hit)
  }
  const fill = async (index: number, product: Product) => {
    const answer = look(product.name)
    catalog.last(product.name).answer({ index, data: product })
    return answer
  }
  return { clock, catalog, cache, look, fill }
}

tap.test('a product is fetched once and then served from the cache', async t => {
  const { cache, catalog, fill } = fedCache()
  t.equal(await fill(10, tux(5)), json(tux(5)))
  t.equal(cache.get('Tux'), json(tux(5)))
  t.equal(catalog.asked.length, 1)
  t.match(cache, { hits: 1, misses: 1, entries: 1 })
})

tap.test('a product that does not exist is not kept', async t => {
  const { cache, catalog } = fedCache()
  const answer = cache.fetch('Yeti')
  catalog.last('Yeti').answer({ index: 10, data: null })
  t.equal(await answer, null)
  t.equal(cache.entries, 0)
})

tap.test('the least recently used product gives way', async t => {
  const { cache, fill } = fedCache({ entriesMax: 2 })
  for (const name of ['A', 'B']) await fill(10, { ...tux(1), name })
  cache.get('A')
  await fill(10, { ...tux(1), name: 'C' })
  t.ok(cache.get('A'))
  t.equal(cache.get('B'), undefined)
})

tap.test('with no entries allowed, every look-up goes to the catalog', async t => {
  const { cache, fill } = fedCache({ entriesMax: 0 })
  await fill(10, tux(5))
  cache.answered(buyTux, bought(11, 4))
  t.equal(cache.get('Tux'), undefined)
})

tap.test(
  'an order of our own that does not tell the stock drops the product; the next look-up asks for its index',
  async t => {
    const { cache, catalog, fill, look } = fedCache()
    await fill(10, tux(5))
    cache.answered(buyTux, bought(11))
    t.equal(cache.get('Tux'), undefined)
    void look()
    t.equal(catalog.last('Tux').index, 11)
  },
)

tap.test(
  'an order of our own that tells the stock is kept like a look-up, unless something newer is known',
  async t => {
    const { cache, catalog, look } = fedCache()
    cache.answered(buyTux, bought(11, 6))
    t.equal(cache.get('Tux'), json(tux(6)))
    cache.feed({ index: 13, name: 'Tux' })
    t.equal(cache.get('Tux'), undefined)
    cache.answered(buyTux, bought(13, 4))
    t.equal(cache.get('Tux'), json(tux(4)))
    cache.feed({ index: 13, name: 'Tux' })
    t.equal(cache.get('Tux'), json(tux(4)), 'its own change comes late')
    cache.answered(buyTux, bought(12, 5))
    t.equal(cache.get('Tux'), json(tux(4)), 'so does the answer to an order before it')
    cache.answered({ type: 'stock', key: 'k', name: 'Tux', quantity: 5 }, { index: 14, product: tux(9) })
    t.equal(cache.get('Tux'), json(tux(9)))
    cache.feed({ index: 15, name: 'Tux' })
    cache.answered(buyTux, bought(14, 8))
    t.equal(cache.get('Tux'), undefined, 'somebody else changed it later')
    void look()
    t.equal(catalog.last('Tux').index, 15)
    catalog.last('Tux').answer({ index: 15, data: tux(7) })
    await settled()
    cache.feedDown()
    cache.answered(buyTux, bought(16, 6))
    t.equal(cache.entries, 0, 'without a feed nothing is kept')
    cache.feedUp({ index: 20 })
    cache.answered(buyTux, bought(19, 3))
    t.equal(cache.entries, 0, 'a change between the order and the feed would be missed')
  },
)

tap.test(
  'a look-up waits for the changes of its own product, of every product that was listed, and no others',
  async t => {
    const { cache, catalog, look } = fedCache()
    cache.answered(buyTux, bought(20))
    cache.feed({ index: 30, name: 'Fox' })
    cache.feed({ index: 40 })
    for (const [name, index] of [
      ['Tux', 20],
      ['Fox', 30],
      ['Yak', 10],
    ] as const) {
      void look(name)
      t.equal(catalog.last(name).index, index, name)
    }
    const list = cache.list()
    t.equal(catalog.last(null).index, 40, 'a list is as new as anything heard of')
    catalog.last(null).answerList({ index: 41, data: [tux(1)] })
    await list
    void look('Owl')
    t.equal(catalog.last('Owl').index, 41)
  },
)

tap.test('more products than are remembered one by one are all looked up as they were last', async t => {
  const { cache, catalog, look } = fedCache()
  for (let at = 1; at <= 5000; at++) cache.feed({ index: 100 + at, name: `P${at}` })
  void look('P1')
  t.ok((catalog.last('P1').index ?? 0) > 100 + 4000)
  void look('P5000')
  t.equal(catalog.last('P5000').index, 5100)
})

tap.test('what makes room for one more product is as new as the newest of those that were remembered', async t => {
  const { cache, catalog, look } = fedCache()
  const list = cache.list()
  for (let at = 1; at <= 4096; at++) cache.feed({ index: 100 + at, name: `P${at}` })
  cache.answered({ ...buyTux, name: 'late' }, { index: 50 })
  catalog.last(null).answerList({ index: 60, data: [] })
  await list
  void look('P4096')
  t.equal(catalog.last('P4096').index, 4196, 'also after a list from before')
})

tap.test('a refusal drops the product, too', async t => {
  const { cache, fill } = fedCache()
  await fill(10, tux(5))
  cache.answered(buyTux, null)
  t.equal(cache.get('Tux'), undefined)
})

tap.test('a fill that a change overtook is served but not kept (lease)', async t => {
  for (const overtake of ['feed', 'order'] as const) {
    const { cache, catalog, look } = fedCache()
    const answer = look()
    if (overtake === 'feed') cache.feed({ index: 12, name: 'Tux' })
    else cache.answered(buyTux, bought(12))
    catalog.last('Tux').answer({ index: 11, data: tux(5) })
    t.equal(await answer, json(tux(5)), overtake)
    t.equal(cache.get('Tux'), undefined, overtake)
  }
})

tap.test('a fill that is older than what an order left is served but takes nothing from the cache', async t => {
  const { cache, catalog, look } = fedCache()
  const answer = look()
  cache.answered(buyTux, bought(12, 4))
  catalog.last('Tux').answer({ index: 11, data: tux(5) })
  t.equal(await answer, json(tux(5)), 'it was asked for before the order was answered')
  t.equal(cache.get('Tux'), json(tux(4)))
})

tap.test('a fill that already contains the change that overtook it is kept', async t => {
  const { cache, catalog, look } = fedCache()
  const answer = look()
  cache.feed({ index: 12, name: 'Tux' })
  catalog.last('Tux').answer({ index: 12, data: tux(4) })
  await answer
  t.equal(cache.get('Tux'), json(tux(4)))
  cache.feed({ index: 12, name: 'Tux' })
  t.equal(cache.get('Tux'), json(tux(4)), 'a late change of the same index drops nothing')
})

tap.test('look-ups at the same time share one fetch, unless a change came in between', async t => {
  const { cache, catalog, look } = fedCache()
  const first = [look(), look()]
  t.equal(catalog.asked.length, 1)
  cache.answered(buyTux, bought(11))
  const second = [look(), look()]
  t.same(
    catalog.asked.map(({ index }) => index),
    [10, 11],
    'whoever comes after the order needs a newer answer',
  )
  catalog.asked[1]?.answer({ index: 11, data: tux(4) })
  t.same(await Promise.all(second), [json(tux(4)), json(tux(4))])
  catalog.asked[0]?.answer({ index: 10, data: tux(5) })
  t.same(await Promise.all(first), [json(tux(5)), json(tux(5))])
  t.equal(cache.get('Tux'), json(tux(4)), 'the older fill does not replace the newer one')
})

tap.test('an answer that was shown but not kept still forbids older ones', async t => {
  const { cache, catalog, look } = fedCache()
  const first = look()
  cache.answered(buyTux, bought(11))
  const second = look()
  catalog.asked[0]?.answer({ index: 13, data: tux(2) })
  t.equal(await first, json(tux(2)))
  catalog.asked[1]?.answer({ index: 11, data: tux(4) })
  await second
  t.equal(cache.get('Tux'), undefined, 'index 13 has been shown, so 11 must not be kept')
  const third = look()
  catalog.last('Tux').answer({ index: 12, data: tux(3) })
  t.equal(await third, json(tux(2)))
})

tap.test('a miss does not wait for a catalog to hear of an order whose answer told the stock', async t => {
  const { cache, catalog, fill, look } = fedCache({ entriesMax: 1 })
  const missed = () => {
    const answer = look()
    return { answer, catalog: catalog.last('Tux') }
  }
  const others = () => fill(10, { ...tux(1), name: 'Fox' })
  cache.answered(buyTux, bought(12, 6))
  await others()
  const behind = missed()
  t.equal(behind.catalog.index, 10)
  behind.catalog.answer({ index: 11, data: tux(7) })
  t.equal(await behind.answer, json(tux(6)), 'the order is newer than the catalog')
  t.equal(cache.get('Tux'), json(tux(6)), 'and is kept')

  await others()
  const unknown = missed()
  unknown.catalog.answer({ index: 11, data: null })
  t.equal(await unknown.answer, json(tux(6)), 'the catalog has not even heard of the product')

  await others()
  const ahead = missed()
  ahead.catalog.answer({ index: 13, data: tux(5) })
  t.equal(await ahead.answer, json(tux(5)), 'the catalog is newer than the order')

  await others()
  const overtaken = missed()
  cache.feed({ index: 15, name: 'Tux' })
  overtaken.catalog.answer({ index: 11, data: tux(7) })
  t.equal(await overtaken.answer, json(tux(5)), 'a change meanwhile makes it no older')
  t.equal(cache.get('Tux'), undefined, 'and leaves nothing to keep')
  t.equal(missed().catalog.index, 15, 'only a catalog knows that state')
})

tap.test('a list asks for the seen index, refreshes what is kept, and overtakes what is on its way', async t => {
  const { cache, catalog, fill, look } = fedCache()
  await fill(10, tux(5))
  const fox = look('Fox')
  cache.answered({ ...buyTux, name: 'Other' }, { index: 12 })
  const list = cache.list()
  t.equal(catalog.last(null).index, 12)
  catalog.last(null).answerList({ index: 14, data: [tux(3), { ...tux(1), name: 'Fox' }] })
  t.same(JSON.parse(await list), { data: [tux(3), { ...tux(1), name: 'Fox' }] })
  t.equal(cache.get('Tux'), json(tux(3)), 'the kept product is as new as the list')
  catalog.asked[1]?.answer({ index: 11, data: { ...tux(9), name: 'Fox' } })
  await fox
  t.equal(cache.get('Fox'), undefined, 'older than the list: served, not kept')
  cache.feed({ index: 13, name: 'Tux' })
  t.equal(cache.get('Tux'), json(tux(3)))
  cache.feed({ index: 15, name: 'Tux' })
  t.equal(cache.get('Tux'), undefined)
  const late = cache.list()
  cache.answered(buyTux, bought(17, 2))
  catalog.last(null).answerList({ index: 16, data: [tux(3)] })
  await late
  t.equal(cache.get('Tux'), json(tux(2)), 'an order that is newer than the list stays')
})

tap.test('a fill from before the feed began is not kept', async t => {
  const { cache, catalog, look } = fedCache()
  const answer = look()
  cache.feedDown()
  cache.feedUp({ index: 20 })
  catalog.last('Tux').answer({ index: 19, data: tux(5) })
  await answer
  t.equal(cache.get('Tux'), undefined, 'a change at 20 may have been missed')
})

tap.test('while the feed is down or silent, nothing is served from the cache', async t => {
  const { clock, cache, fill } = fedCache({ feedTimeoutMs: 500 })
  await fill(10, tux(5))
  await clock.advance(499)
  t.ok(cache.get('Tux'))
  await clock.advance(1)
  t.equal(cache.get('Tux'), undefined, 'silent')
  t.equal(cache.isFed, false)
  cache.feed({ index: 10 })
  t.ok(cache.get('Tux'), 'it was late, but nothing was missed')
  cache.feedDown()
  t.equal(cache.entries, 0)
  await fill(10, tux(5))
  t.equal(cache.entries, 0, 'nothing is kept without a feed')
})

tap.test('the feed of one catalog is followed, and another when it breaks', async t => {
  const clock = new FakeClock()
  const catalogs = [new FakeCatalog(), new FakeCatalog()] as const
  const stopping = new AbortController()
  const heard: unknown[] = []
  const listener = {
    feedUp: (change: unknown) => heard.push(['up', change]),
    feed: (change: unknown) => heard.push(['feed', change]),
    feedDown: () => heard.push(['down']),
  }
  const signal = stopping.signal
  const over = followChanges({ catalogs, clock, listeners: [listener], feedTimeoutMs: 500, signal })
  await settled()
  catalogs[0].push({ index: 4 }, { index: 5, name: 'Tux' })
  await settled()
  catalogs[0].breakFeed()
  await clock.advance(100)
  t.equal(catalogs[1].isFollowed, true)
  catalogs[1].breakFeed(new BazaarError('OVERLOADED', 'too many subscribe already'))
  await clock.advance(100)
  t.equal(catalogs[0].isFollowed, true)
  catalogs[0].breakFeed()
  await clock.advance(100)
  t.equal(catalogs[1].isFollowed, true)
  catalogs[1].push({ index: 7 })
  await settled()
  stopping.abort()
  await over
  t.same(heard, [
    ['up', { index: 4 }],
    ['feed', { index: 5, name: 'Tux' }],
    ['down'],
    ['down'],
    ['down'],
    ['up', { index: 7 }],
    ['down'],
  ])
})

tap.test('a restarted front-end looks nothing up before it knows what was acknowledged', async t => {
  const clock = new FakeClock()
  const catalog = new FakeCatalog()
  const cache = new Cache(new Catalogs([catalog], clock, { lookupDeadlineMs: 1000 }), clock)
  const answer = cache.fetch('Tux')
  cache.answered(buyTux, bought(31))
  await clock.advance(100)
  t.equal(catalog.asked.length, 0)
  cache.open(30)
  await clock.advance(100)
  t.equal(catalog.last('Tux').index, 31, 'an order that passed through before counts as well')
  catalog.last('Tux').answer({ index: 31, data: tux(5) })
  await answer
  const again = new Cache(new Catalogs([catalog], clock), clock)
  again.open(30)
  const list = again.list()
  t.equal(catalog.last(null).index, 30, 'a list is no older')
  catalog.last(null).answerList({ index: 30, data: [] })
  await list
  const never = new Cache(new Catalogs([catalog], clock, { lookupDeadlineMs: 1000 }), clock)
  const refused = t.rejects(never.list(), { name: 'BazaarError', reason: 'NO_QUORUM' })
  await clock.advance(1100)
  await refused
})

tap.test('a look-up asks the next catalog when one fails, until its deadline', async t => {
  const clock = new FakeClock()
  const catalogs = [new FakeCatalog(), new FakeCatalog()] as const
  const cache = new Cache(new Catalogs(catalogs, clock, { lookupDeadlineMs: 1000 }), clock)
  cache.open(1)
  const answer = cache.fetch('Tux')
  catalogs[0].last('Tux').fail(new ConnectionError('killed'))
  await settled()
  catalogs[1].last('Tux').answer({ index: 1, data: tux(5) })
  t.equal(await answer, json(tux(5)))
  void cache.fetch('Fox')
  t.equal(catalogs[1].asked.length, 2, 'the one that answered is asked first')

  const refused = t.rejects(cache.fetch('Whale'), {
    name: 'BazaarError',
    reason: 'NO_QUORUM',
    message: /no catalog answered within 1 s/,
  })
  for (let passed = 0; passed < 1100; passed += 5) {
    await clock.advance(5)
    for (const { asked } of catalogs) asked.at(-1)?.fail(new ConnectionError('killed'))
  }
  await refused
})

tap.test('each catalog is asked once without a pause, and one that fails late is not what others go by', async t => {
  const clock = new FakeClock()
  const catalogs = [new FakeCatalog(), new FakeCatalog(), new FakeCatalog()] as const
  const cache = new Cache(new Catalogs(catalogs, clock), clock)
  cache.open(1)
  const fail = async (at: 0 | 1 | 2, name: string) => {
    catalogs[at].asked.find(asked => asked.name === name)?.fail(new ConnectionError('killed'))
    await settled()
  }
  const late = cache.fetch('Late')
  const owl = cache.fetch('Owl')
  await fail(0, 'Owl')
  await fail(1, 'Owl')
  catalogs[2].last('Owl').answer({ index: 1, data: null })
  await owl
  await fail(0, 'Late')
  catalogs[2].last('Late').answer({ index: 1, data: null })
  await late
  void cache.fetch('Fox')
  for (const at of [2, 0, 1] as const) await fail(at, 'Fox')
  t.equal(catalogs[2].asked.length, 3, 'not at once again')
  await clock.advance(100)
  t.equal(catalogs[2].asked.length, 4)
})

tap.test('a bounded number of look-ups waits for a catalog', async t => {
  const { cache, catalog } = fedCache({ fetchesMax: 2 })
  const answers = ['A', 'B'].map(name => cache.fetch(name))
  await t.rejects(cache.fetch('C'), { name: 'BazaarError', reason: 'OVERLOADED' })
  await t.rejects(cache.list(), { name: 'BazaarError', reason: 'OVERLOADED' })
  for (const { answer } of catalog.asked) answer({ index: 10, data: null })
  await Promise.all(answers)
  const fetched = cache.fetch('C')
  catalog.last('C').fail(new BazaarError('INVALID', 'what a catalog answers for good is passed on'))
  await t.rejects(fetched, { name: 'BazaarError', reason: 'INVALID' })
})

tap.test('the index at the start is one that a majority confirms', async t => {
  const clock = new FakeClock()
  const states = {
    'order-1': { role: 'follower', term: 3, lastIndex: 8, commitIndex: 8 },
    'order-2': { role: 'leader', term: 3, lastIndex: 9, commitIndex: 8 },
    'order-3': { role: 'follower', term: 4, lastIndex: 12, commitIndex: 8 },
  }
  const replicas = new Map(
    Object.entries(states).map(([name, state]) => [name, { status: async () => ({ name, ...state }) }]),
  ) as unknown as Replicas
  let index: number | null = null
  const asked = confirmedIndex(replicas, clock, new AbortController().signal).then(confirmed => {
    index = confirmed
  })
  await clock.advance(50)
  t.equal(index, null, 'the leader has not committed the log that it had')
  states['order-2'].term = 2
  states['order-2'].commitIndex = 9
  await clock.advance(50)
  t.equal(index, null, 'no majority is in the term of the leader')
  Object.assign(states['order-3'], { role: 'leader', term: 4, commitIndex: 11 })
  Object.assign(states['order-1'], { term: 4 })
  await clock.advance(50)
  t.equal(index, null, 'a deposed leader does not count, the new one has not committed yet')
  Object.assign(states['order-3'], { lastIndex: 13, commitIndex: 12 })
  await clock.advance(50)
  await asked
  t.equal(index, 12)
})

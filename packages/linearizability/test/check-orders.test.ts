import type { LogEntry, Order } from '@bazaar/client'
import {
  checkLookups,
  checkOrders,
  type OrderAttempt,
  type OrderOperation,
  type OrderQuery,
  type Stocking,
} from '@bazaar/linearizability'
import t from 'tap'
import { seeded } from './random.ts'
import { linearizableHistory, products } from './shop-history.ts'

const tux = [{ name: 'Tux', price: 1, quantity: 5 }]

function buy(
  key: string,
  invoked: number,
  returned: number | null,
  got: number | 'refused' | null,
  quantity = 1,
): OrderAttempt {
  const order = (number: number): Order => ({ number, name: 'Tux', type: 'buy', quantity, price: 1 })
  const outcome =
    got === null ? null : got === 'refused' ? ({ refused: 'OUT_OF_STOCK' } as const) : { order: order(got) }
  return { type: 'order', client: key, key, name: 'Tux', side: 'buy', quantity, invoked, returned, outcome }
}

function query(number: number, invoked: number, returned: number, hit: boolean, quantity = 1): OrderQuery {
  const order: Order | null = hit ? { number, name: 'Tux', type: 'buy', quantity, price: 1 } : null
  return { type: 'query', client: `q${number}`, number, invoked, returned, outcome: { order } }
}

function restock(invoked: number): Stocking {
  const done = { returned: invoked + 1, outcome: { done: true } } as const
  return { type: 'restock', client: 's', key: 's', name: 'Tux', quantity: 9, invoked, ...done }
}

t.test('shop histories that are linearizable', async t => {
  const histories: Record<string, OrderOperation[]> = {
    'orders one after the other': [buy('a', 0, 1, 1), buy('b', 2, 3, 2), query(1, 4, 5, true), query(3, 6, 7, false)],
    'concurrent orders may take their numbers in either order': [buy('a', 0, 5, 2), buy('b', 1, 6, 1)],
    'a miss while the order is open': [buy('a', 0, 5, 1), query(1, 1, 4, false)],
    'a hit before the order is acknowledged': [buy('a', 0, 5, 1), query(1, 1, 2, true)],
    'a refusal beside an order without an answer that took the last': [
      buy('a', 0, null, null, 5),
      buy('b', 1, 2, 'refused'),
    ],
    'a number that nobody saw belongs to an order without an answer': [buy('a', 0, null, null), buy('b', 1, 2, 2)],
    'a repeat gets the same order': [buy('a', 0, 1, 1), buy('a', 2, 3, 1), buy('b', 4, 5, 2)],
    'a repeat after a lost answer': [buy('a', 0, null, null), buy('b', 2, 3, 2), buy('a', 4, 5, 1)],
    'a refused key may succeed later': [
      buy('a', 0, 1, 1, 5),
      buy('b', 2, 3, 'refused'),
      {
        type: 'stock',
        client: 's',
        key: 's',
        name: 'Tux',
        quantity: 1,
        invoked: 4,
        returned: 5,
        outcome: { done: true },
      },
      buy('b', 6, 7, 2),
    ],
    'a refused key whose first attempt, without an answer, has its order later': [
      buy('a', 0, null, null),
      buy('b', 0, 1, 1, 5),
      buy('a', 2, 3, 'refused'),
      { ...restock(4), type: 'stock', quantity: 1 },
      query(2, 6, 7, true),
    ],
    'a restock with a key that had its effect has none': [
      buy('a', 0, 1, 1, 5),
      restock(2),
      buy('b', 4, 5, 2, 9),
      restock(6),
      buy('c', 8, 9, 'refused'),
    ],
    'a restock while something is left does nothing': [restock(0), buy('a', 2, 3, 'refused', 6)],
    'a restock that did nothing may do something when it is repeated': [
      restock(0),
      buy('a', 2, 3, 1, 5),
      restock(4),
      buy('b', 6, 7, 2, 9),
    ],
  }
  for (const [name, history] of Object.entries(histories)) t.same(checkOrders(tux, history), { ok: true }, name)
})

t.test('shop histories that are not', async t => {
  const histories: Record<string, OrderOperation[]> = {
    'an acknowledged order is lost': [buy('a', 0, 1, 1), query(1, 2, 3, false)],
    'an acknowledged order changed': [buy('a', 0, 1, 1), query(1, 2, 3, true, 2)],
    'one number for two orders': [buy('a', 0, 1, 1), buy('b', 2, 3, 1)],
    'one key with two orders': [buy('a', 0, 1, 1), buy('a', 2, 3, 2)],
    'another product than was asked for': [{ ...buy('a', 0, 1, 1), name: 'Duke' }],
    'another quantity than was asked for': [{ ...buy('a', 0, 1, 1, 2), quantity: 1 }],
    'another order is read than was asked for': [
      buy('a', 0, 1, 1),
      buy('b', 2, 3, 2),
      { ...query(1, 4, 5, true), number: 2 },
    ],
    'a restock while something was left added to it': [restock(0), buy('a', 2, 3, 1, 6)],
    'a restock of a product that is not there': [{ ...restock(0), name: 'Duke' }],
    'a number left out': [buy('a', 0, 1, 1), buy('b', 2, 3, 3)],
    'a smaller number for a later order': [buy('a', 0, 1, 2), buy('b', 2, 3, 1)],
    'more sold than there was': [buy('a', 0, 1, 1, 3), buy('b', 2, 3, 2, 3)],
    'refused while there was stock': [buy('a', 0, 1, 1), buy('b', 2, 3, 'refused', 4)],
    'a key is refused after it got its order': [buy('a', 0, 1, 1, 5), buy('a', 2, 3, 'refused', 5)],
    'a key is refused after its order was read': [
      buy('a', 0, null, null, 5),
      query(1, 1, 2, true, 5),
      buy('a', 3, 4, 'refused', 5),
    ],
    'a key is refused because its own order took the last': [
      buy('a', 0, null, null, 5),
      buy('a', 1, 2, 'refused', 5),
      buy('b', 3, 4, 'refused'),
    ],
    'a miss below an acknowledged number': [buy('a', 0, 10, 1), buy('b', 1, 2, 2), query(1, 3, 4, false)],
    'the order of a call that came later is read': [query(1, 0, 1, true), buy('a', 2, 3, 1)],
    'a wrong price': [
      { ...buy('a', 0, 1, 1), outcome: { order: { number: 1, name: 'Tux', type: 'buy', quantity: 1, price: 2 } } },
    ],
  }
  for (const [name, history] of Object.entries(histories)) {
    t.match(checkOrders(tux, history), { ok: false, undecided: false }, name)
  }
})

t.test('a stocking whose place in the log is known counts there and nowhere else', async t => {
  const stock = (after: number): Stocking => {
    const done = { outcome: { done: true }, invoked: 0, returned: 20 } as const
    return { type: 'stock', client: 's', key: 's', name: 'Tux', quantity: 4, after, ...done }
  }
  const orders = [buy('a', 1, 2, 1, 5), buy('b', 3, 4, 'refused'), buy('c', 5, 6, 2, 4), query(3, 7, 8, false)]
  t.same(checkOrders(tux, [stock(1), ...orders]), { ok: true })
  const duke = { name: 'Duke', price: 1, quantity: 0 }
  const others = { ...stock(0), name: 'Duke', key: 'd' }
  t.same(checkOrders([...tux, duke], [others, stock(1), ...orders]), { ok: true }, 'beside that of another product')
  t.match(checkOrders(tux, [stock(0), ...orders]), { ok: false, undecided: false })
  t.match(checkOrders(tux, [stock(2), ...orders]), { ok: false, undecided: false })
})

t.test('numbers tie the products together', async t => {
  const shop = [...tux, { name: 'Duke', price: 1, quantity: 5 }]
  const duke: OrderAttempt = {
    ...buy('d', 4, 5, null),
    name: 'Duke',
    outcome: { order: { number: 1, name: 'Duke', type: 'buy', quantity: 1, price: 1 } },
  }
  t.match(checkOrders(shop, [buy('a', 0, 1, 2), duke]), { ok: false, undecided: false })
})

t.test('histories of a shop that does one thing at a time are accepted, with and without the read-back', async t => {
  for (let seed = 1; seed <= 150; seed++) {
    const history = linearizableHistory(seed, 200, 1 + (seed % 8))
    const verdict = checkOrders(products, history)
    if (!verdict.ok) t.fail(`seed ${seed}: ${verdict.explanation}`)
    const withoutReadBack = history.filter(operation => operation.client !== 'reader')
    const second = checkOrders(products, withoutReadBack)
    if (!second.ok && !second.undecided) t.fail(`seed ${seed} without read-back: ${second.explanation}`)
  }
})

/** Each makes a history wrong in one place; null where it finds no place. */
const mutations: Record<string, (history: OrderOperation[], random: () => number) => OrderOperation[] | null> = {
  'an order is missed after it or a later one was acknowledged': (history, random) =>
    change(history, random, operation =>
      operation.type === 'query' && acknowledgedBefore(history, operation) && operation.outcome?.order
        ? { ...operation, outcome: { order: null } }
        : null,
    ),
  'an order changes its quantity': (history, random) =>
    change(history, random, operation =>
      operation.type === 'query' && operation.outcome?.order
        ? { ...operation, outcome: { order: { ...operation.outcome.order, quantity: 9 } } }
        : null,
    ),
  'an order is doubled': (history, random) =>
    change(history, random, operation =>
      operation.type === 'order' && operation.outcome !== null && 'order' in operation.outcome
        ? {
            ...operation,
            outcome: { order: { ...operation.outcome.order, number: operation.outcome.order.number + 1 } },
          }
        : null,
    ),
  'an order is refused at the start': history => [
    {
      type: 'order',
      client: 'early',
      key: 'early',
      name: 'Tux',
      side: 'buy',
      quantity: 1,
      invoked: -2,
      returned: -1,
      outcome: { refused: 'OUT_OF_STOCK' },
    },
    ...history,
  ],
  'an order goes through at the end that nothing can pay for': history => {
    const orders = history.filter(operation => operation.client === 'reader').length
    const order: Order = { number: orders + 1, name: 'Tux', type: 'buy', quantity: 100_000, price: 1 }
    return [
      ...history,
      {
        type: 'order',
        client: 'late',
        key: 'late',
        name: 'Tux',
        side: 'buy',
        quantity: 100_000,
        invoked: 1e9,
        returned: 1e9 + 1,
        outcome: { order },
      },
    ]
  },
}

function acknowledgedBefore(history: readonly OrderOperation[], { number, invoked }: OrderQuery): boolean {
  return history.some(
    operation =>
      operation.type === 'order' &&
      operation.outcome !== null &&
      'order' in operation.outcome &&
      operation.outcome.order.number >= number &&
      (operation.returned as number) < invoked,
  )
}

function change(
  history: OrderOperation[],
  random: () => number,
  mutate: (operation: OrderOperation) => OrderOperation | null,
): OrderOperation[] | null {
  const places = history.flatMap((operation, at) => (mutate(operation) === null ? [] : [at]))
  const at = places[Math.floor(random() * places.length)]
  return at === undefined ? null : history.with(at, mutate(history[at] as OrderOperation) as OrderOperation)
}

t.test('the same histories with one thing wrong are rejected', async t => {
  for (const [name, mutate] of Object.entries(mutations)) {
    let tried = 0
    for (let seed = 1; seed <= 60; seed++) {
      const history = mutate(linearizableHistory(seed, 120, 1 + (seed % 8)), seeded(seed))
      if (history === null) continue
      tried++
      const verdict = checkOrders(products, history)
      if (verdict.ok) t.fail(`${name}, seed ${seed}: accepted`)
      else if (verdict.undecided) t.fail(`${name}, seed ${seed}: ${verdict.explanation}`)
    }
    t.ok(tried > 30, `${name}: ${tried} histories`)
  }
})

t.test('look-ups may lag, but not behind what their front-end acknowledged, and never go back', async t => {
  const log: LogEntry[] = [
    { index: 1, term: 1, type: 'noop' },
    { index: 2, term: 1, type: 'product', name: 'Tux', price: 1, quantity: 5, key: 'p' },
    { index: 3, term: 1, type: 'buy', number: 1, name: 'Tux', quantity: 1, price: 1, key: 'a' },
    { index: 4, term: 1, type: 'stock', name: 'Tux', quantity: 1, key: 's' },
    { index: 5, term: 1, type: 'buy', number: 2, name: 'Tux', quantity: 2, price: 1, key: 'b' },
  ]
  const acknowledged = [
    { frontend: 'f', name: 'Tux', number: 1, invoked: 0, returned: 10 },
    { frontend: 'f', name: 'Tux', number: 2, invoked: 20, returned: 30 },
  ]
  const look = (invoked: number, quantity: number | null, frontend = 'f') => {
    const product = quantity === null ? null : { name: 'Tux', price: 1, quantity }
    return { frontend, name: 'Tux', invoked, returned: invoked + 5, product }
  }
  const good = {
    'the state before an order that is open': [look(6, 5), look(12, 4)],
    'a state that came back counts as the newer one': [look(6, 5), look(12, 5)],
    'another front-end may lag': [look(40, 5, 'g')],
    'concurrent look-ups may differ': [look(11, 5), look(12, 4)],
    'a look-up at the time of an answer is concurrent with it': [look(11, 5), look(16, 4)],
    'nothing, before the product was there': [look(1, null, 'g'), look(11, 5, 'g')],
  }
  for (const [name, lookups] of Object.entries(good))
    t.same(checkLookups(log, lookups, acknowledged), { ok: true }, name)
  const bad = {
    'older than an acknowledged order': [look(31, 5)],
    'back in time': [look(11, 5), look(17, 4)],
    'back to what an older look-up showed later': [look(11, 5), look(13, 4), look(19, 4)],
    'a state that never was': [look(11, 7)],
    'a state from the future': [look(1, 3)],
    'nothing, after the product was seen': [look(11, 5, 'g'), look(17, null, 'g')],
  }
  for (const [name, lookups] of Object.entries(bad))
    t.match(checkLookups(log, lookups, acknowledged), { ok: false }, name)
})

t.test('100,000 operations of 20 clients are checked in seconds', async t => {
  const history = linearizableHistory(7, 100_000, 20, 0.002)
  const started = performance.now()
  t.same(checkOrders(products, history), { ok: true })
  t.ok(performance.now() - started < 10_000)
  t.comment(`${Math.round(performance.now() - started)} ms`)
})

import { crc32 } from 'node:zlib'
import {
  type Command,
  decode,
  encodeFact,
  type Fact,
  LineCursor,
  type LogEntry,
  logLineBytesMax,
  type Order,
  seal,
} from '@bazaar/client'
import t from 'tap'
import { hash } from '../src/hash.ts'
import { Judge, type Verdict } from '../src/judge.ts'
import { KeyIndex } from '../src/key-index.ts'
import { Ledger } from '../src/ledger.ts'

/** A ledger over an array of lines, as a log would feed it. */
function ledgerOf(facts: (Fact | null)[], keysMax?: number) {
  const lines: string[] = []
  const ledger = new Ledger(index => Buffer.from(lines[index - 1] as string, 'latin1'), 7, keysMax)
  const add = (fact: Fact | null): void => {
    lines.push(seal(lines.length + 1, 1, fact === null ? null : encodeFact(fact)))
    applyTo(ledger, lines.slice(-1))
  }
  for (const fact of facts) add(fact)
  return { ledger, add, lines }
}

const tux: Fact = { type: 'product', name: 'Tux', price: 25.99, quantity: 10, key: 'seed:Tux' }
const buy = (number: number, quantity: number, key: string): Fact => {
  return { type: 'buy', number, name: 'Tux', quantity, price: 25.99, key }
}

function applyTo(ledger: Ledger, lines: readonly string[], last?: number): void {
  const line = new LineCursor(Buffer.from(lines.join(''), 'latin1'))
  while (line.next()) ledger.apply(line, last)
}

/** A cursor at a line in the middle of others. */
function at(line: string): LineCursor {
  const before = '{"index":1,}\n'
  const cursor = new LineCursor(Buffer.from(`${before}${line}{"index":`, 'latin1'))
  while (cursor.start < before.length && cursor.next());
  return cursor
}

/** Its place, if it passes. */
function open(line: string) {
  const cursor = at(line)
  return cursor.text === line && cursor.verify() ? { index: cursor.index, term: cursor.term } : null
}

t.test('a line of the log', async t => {
  const awkward = 'Zoë "the\\ 🦊" \u2028'
  const facts: Fact[] = [
    tux,
    { type: 'seeded', key: 'seed' },
    { type: 'stock', name: awkward, quantity: 3, key: 'k"\\' },
    buy(1, 2, 'a-key'),
    { type: 'sell', number: 2, name: awkward, quantity: 1_000_000, price: 1e-7, key: '"' },
    { type: 'buy', number: 3, name: ',"quantity":9,"price":', quantity: 1, price: 0, key: ',"crc":"00000000"}' },
    { type: 'sell', number: 4, name: awkward, quantity: 7, price: 1e21, key: "it's-{plain}," },
    { type: 'buy', number: 5, name: 'ends with \\', quantity: 10, price: 0.1, key: '~'.repeat(255) },
  ]
  for (const fact of facts) {
    const line = seal(12, 3, encodeFact(fact))
    t.match(line, /^[\x20-\x7e]+\n$/, 'is one line of ASCII')
    t.equal(JSON.stringify(JSON.parse(`{${encodeFact(fact)}}`)), JSON.stringify(fact), 'has its members in their order')
    t.same(JSON.parse(line), { index: 12, term: 3, ...fact, crc: line.slice(-11, -3) }, 'is JSON that anybody reads')
    const { crc: _, ...read } = { crc: '', ...decode(line) } as LogEntry & { crc: string }
    t.same(read, { index: 12, term: 3, ...fact }, 'reads back as it was written')
    t.same(decode(line.trimEnd()), decode(line), 'with its newline or without')
    t.same(open(line), { index: 12, term: 3 }, 'passes its own checksum')
    const isOrder = fact.type === 'buy' || fact.type === 'sell'
    const cursor = at(line)
    const isRead = cursor.readOrder()
    t.equal(isRead, isOrder && !/["\\]/.test(fact.key), 'is read in place if it is an order with a plain key')
    if (!isRead || !isOrder) continue
    const { bytes, index, number, stockChange, nameStart, nameEnd, keyStart, keyEnd } = cursor
    const { key, ...order } = fact
    const { type, name, quantity } = order
    t.same([index, number, stockChange], [12, fact.number, type === 'buy' ? -quantity : quantity])
    t.equal(JSON.parse(`"${bytes.toString('latin1', nameStart, nameEnd)}"`), name)
    t.equal(bytes.toString('latin1', keyStart, keyEnd), key)
    t.same(cursor.order, order)
  }
  const longest = seal(
    2 ** 40,
    2 ** 40,
    encodeFact({ ...buy(2 ** 40, 1e6, '"'.repeat(255)), name: '🦊'.repeat(64) } as Fact),
  )
  t.ok(longest.length <= logLineBytesMax, 'is never longer than the limit')
  const withKeyOf = (length: number) => seal(1, 1, encodeFact(buy(1, 1, 'k'.repeat(length))))
  const roomForKey = logLineBytesMax - withKeyOf(0).length
  t.same(open(withKeyOf(roomForKey)), { index: 1, term: 1 })
  t.equal(open(withKeyOf(roomForKey + 1)), null, 'does not pass if it is')
  const greatest = Number.MAX_SAFE_INTEGER
  const last = seal(greatest, greatest, encodeFact(buy(greatest, 1, 'k')))
  t.same(open(last), { index: greatest, term: greatest }, 'the greatest numbers are read to the last digit')
  t.match(decode(last), { index: greatest, number: greatest })
  const cursor = at(last)
  t.ok(cursor.readOrder())
  t.match(cursor, { index: greatest, number: greatest })

  for (let length = 1; length <= 255; length++) {
    if (open(withKeyOf(length))?.index !== 1) t.fail(`a line with a key of ${length} characters did not pass`)
  }

  for (const frame of [
    '{"indeX":7,"term":1,',
    '["index":7,"term":1,',
    '{"index"=7,"term":1,',
    '{"index":7,"Term":1,',
  ]) {
    const body = `${frame}"type":"noop"`
    const crc = crc32(body).toString(16).padStart(8, '0')
    t.equal(
      open(`${body},"crc":"${crc}"}\n`),
      null,
      `a line that begins with ${frame} does not pass, whatever its checksum`,
    )
  }

  const line = seal(1, 1, encodeFact(buy(1, 1, 'k')))
  for (let at = 0; at < line.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ (1 << bit)) + line.slice(at + 1)
      if (open(flipped) !== null) t.fail(`bit ${bit} of byte ${at} flipped and nobody saw: ${flipped}`)
    }
    if (open(line.slice(0, at)) !== null) t.fail(`a line cut at ${at} passed`)
  }
  t.pass('a flipped bit or a cut is seen, wherever it is')
})

t.test('the key index finds the last keys, and only those', async t => {
  const keysMax = 700
  const index = new KeyIndex(keysMax, 1)
  const reserved = new KeyIndex(keysMax, 1)
  const tiny = new KeyIndex(3, 1)
  const keyAt = (at: number): string | null => (at % 10 === 0 ? null : `key-${at}`)
  for (let at = 1; at <= 5000; at++) {
    if (at === 100) reserved.reserve(600)
    for (const each of [index, reserved, tiny]) each.add(at, Buffer.from(keyAt(at) ?? ''))
    if (at % 500 !== 0) continue
    for (let asked = 1; asked <= at; asked++) {
      const key = keyAt(asked)
      if (key === null) continue
      const expected = asked > at - keysMax ? asked : null
      const findIn = (each: KeyIndex) => each.find(key, candidate => (keyAt(candidate) === key ? candidate : null))
      for (const each of [index, reserved]) if (findIn(each) !== expected) t.fail(`key ${asked} of ${at}`)
      if (findIn(tiny) !== (asked > at - 3 ? asked : null)) t.fail(`key ${asked} of ${at}, of which three are kept`)
    }
  }
  t.equal(
    index.find('key-4999', () => null),
    null,
    'a hash alone is no proof',
  )
})

t.test('the ledger', async t => {
  const stock: Fact = { type: 'stock', name: 'Tux', quantity: 5, key: 's' }
  const { ledger, add, lines } = ledgerOf([null, tux, buy(1, 4, 'a'), stock])
  t.same(ledger.products(), [{ name: 'Tux', price: 25.99, quantity: 11 }], 'knows stock = initial + stocked − bought')
  t.same(ledger.order(1), { index: 3, order: { number: 1, name: 'Tux', type: 'buy', quantity: 4, price: 25.99 } })
  add({ type: 'sell', number: 2, name: 'Tux', quantity: 1, price: 25.99, key: '"' })
  add(buy(3, 1, 'b'))
  t.same(ledger.order(2), { index: 5, order: { number: 2, name: 'Tux', type: 'sell', quantity: 1, price: 25.99 } })
  t.equal(ledger.order(4), null, 'has no order that was not made')
  t.equal(ledger.order(0), null)
  add({ ...tux, price: 9, quantity: 1000, key: 'reprice' })
  t.same(ledger.product('Tux'), { price: 9, quantity: 11 }, 'reprices a known product and leaves its stock')
  t.equal(ledger.entryOfKey('a')?.index, 3)
  t.equal(ledger.entryOfKey('"')?.index, 5)
  t.equal(ledger.entryOfKey('c'), null)
  add({ type: 'seeded', key: 'seed' })
  t.equal(ledger.seeded, true)
  t.throws(() => add(buy(5, 1, 'gap')), /no gaps/, 'crashes on a gap in the order numbers')
  ledger.reset()
  t.same([ledger.products(), ledger.orders, ledger.appliedIndex, ledger.entryOfKey('a')], [[], 0, 0, null])
  t.equal(ledger.seeded, false)
  applyTo(ledger, lines.slice(0, 3))
  t.equal(ledger.product('Tux')?.quantity, 6, 'begins again')
})

t.test('keys, and products, with the same hash are told apart', async t => {
  const [one, other] = ['key-319789', 'key-1119742']
  const hashOf = (text: string) => hash(Buffer.from(text), 0, text.length, 7)
  t.equal(hashOf(one), hashOf(other))
  const { ledger } = ledgerOf([
    { ...tux, name: one, quantity: 10, key: 'seed:one' },
    { ...tux, name: other, quantity: 20, key: 'seed:other' },
    { ...buy(1, 1, one), name: one },
    { ...buy(2, 1, other), name: other },
  ] as Fact[])
  t.same([ledger.entryOfKey(one)?.index, ledger.entryOfKey(other)?.index], [3, 4])
  t.same([ledger.product(one)?.quantity, ledger.product(other)?.quantity], [9, 19])
})

t.test('every order reads back, noted in memory or not, whatever becomes of the price', async t => {
  const read: number[] = []
  const lines: string[] = []
  const ledger = new Ledger(index => {
    read.push(index)
    return Buffer.from(lines[index - 1] as string, 'latin1')
  }, 5)
  const names = ['Tux', 'Zoë "the\\ 🦊"', 'ends with \\']
  const prices = [25.99, 1e-7, 0, 1_000_000, 0.1]
  const orders: Order[] = []
  const add = (fact: Fact): void => {
    lines.push(seal(lines.length + 1, 1, encodeFact(fact)))
    applyTo(ledger, lines.slice(-1))
  }
  for (let round = 0; round < 40; round++) {
    for (const [place, name] of names.entries()) {
      const price = prices[(round + place) % prices.length] as number
      add({ type: 'product', name, price, quantity: 1_000_000, key: `p-${round}-${place}` })
      const quantities = [1, 0x7fff, 0x8000, 0xffff, 1_000_000, 2]
      for (const [at, quantity] of quantities.entries()) {
        add({ type: 'stock', name, quantity, key: `s-${lines.length}` })
        for (const type of ['sell', 'buy'] as const) {
          const key = at === 5 ? `"${lines.length}` : `k-${lines.length}`
          const order = { number: orders.length + 1, name, type, quantity, price }
          add({ ...order, key })
          orders.push(order)
        }
      }
    }
  }
  t.same(
    orders.map(({ number }) => ledger.order(number)?.order),
    orders,
  )
  const isNoted = ({ quantity, number }: Order) => quantity <= 0x7fff && number % 12 !== 11 && number % 12 !== 0
  t.equal(read.length, orders.filter(order => !isNoted(order)).length, 'only what is not noted is read from its line')
  ledger.reset()
  t.equal(ledger.order(1), null)
})

t.test('products at more prices than have a number are read from their lines', async t => {
  const offersMax = 0xffff
  const { ledger, add, lines } = ledgerOf([{ ...tux, quantity: 1_000_000 } as Fact])
  for (let number = 1; number <= offersMax + 3; number++) {
    add({ type: 'buy', number, name: 'Tux', quantity: 1, price: number / 100, key: `${number}` })
  }
  const numbers = [1, 2, offersMax - 1, offersMax, offersMax + 1, offersMax + 3]
  t.same(
    numbers.map(number => ledger.order(number)?.order.price),
    numbers.map(number => number / 100),
  )
  lines.length = 0
  t.equal(ledger.order(offersMax)?.order.price, offersMax / 100)
  t.throws(() => ledger.order(offersMax + 1))
})

t.test('a ledger that knows what follows has the same keys in the end', async t => {
  const keysMax = 50
  const count = 220
  // Some have a character that is escaped in a line.
  const keyOf = (index: number): string => `key-${index}${index % 3 === 0 ? '\\' : ''}`
  let orders = 0
  const facts = Array.from({ length: count }, (_, at): Fact | null => {
    if (at === 0) return { ...tux, quantity: count }
    return at % 7 === 0 ? null : buy(++orders, 1, keyOf(at + 1))
  })
  const { ledger, lines } = ledgerOf(facts, keysMax)
  const informed = new Ledger(index => Buffer.from(lines[index - 1] as string, 'latin1'), 9, keysMax)
  applyTo(informed, lines.slice(0, count - 20), count - 20)
  applyTo(informed, lines.slice(count - 20))
  const found = (of: Ledger) => lines.map((_, at) => of.entryOfKey(keyOf(at + 1))?.index ?? null)
  t.same(found(informed), found(ledger))
  t.equal(found(ledger).filter(index => index !== null).length, facts.slice(-keysMax).filter(Boolean).length)
  const early = new Ledger(index => Buffer.from(lines[index - 1] as string, 'latin1'), 9, keysMax)
  // The first that is remembered has a plain key, so it is one that might have been passed over.
  applyTo(early, lines.slice(0, 102), 102)
  t.same(
    [53, 54, 99, 102].map(index => early.entryOfKey(keyOf(index))?.index ?? null),
    [53, 54, null, 102],
    'the first and the last that are not forgotten',
  )
  t.equal(early.entryOfKey(keyOf(49)), null)
})

t.test('the judge', async t => {
  const { ledger, add } = ledgerOf([null, tux])
  let judge = new Judge(ledger)
  const order = (key: string, quantity: number, type: 'buy' | 'sell' = 'buy'): Command => ({
    type,
    key,
    name: 'Tux',
    quantity,
  })
  const refusal = (verdict: Verdict) => (verdict.type === 'refuse' ? verdict.refusal.reason : verdict.type)
  const numberOf = (verdict: Verdict) => (verdict.type === 'accept' ? verdict.result(0).order?.number : verdict.type)

  t.equal(numberOf(judge.judge(order('a', 6))), 1)
  t.equal(refusal(judge.judge(order('b', 6))), 'OUT_OF_STOCK', 'counts what the batch has accepted')
  t.equal(numberOf(judge.judge(order('c', 3, 'sell'))), 2)
  t.equal(numberOf(judge.judge(order('b', 6))), 3, 'accepts a key again that was refused')
  t.equal(judge.judge(order('a', 6)).type, 'join', 'joins a repeated key to the command before')
  t.equal(refusal(judge.judge(order('a', 5))), 'KEY_REUSED')
  t.equal(refusal(judge.judge({ ...order('d', 1), name: 'Nix' } as Command)), 'PRODUCT_NOT_FOUND')

  add(buy(1, 6, 'a'))
  judge = new Judge(ledger)
  t.equal(numberOf(judge.judge(order('e', 3))), 2, 'the next batch goes on from what was applied')
  t.same(judge.judge(order('a', 6)), {
    type: 'answer',
    result: { index: 3, order: { number: 1, name: 'Tux', type: 'buy', quantity: 6, price: 25.99 } },
  })
  t.equal(refusal(judge.judge(order('a', 7))), 'KEY_REUSED', 'knows a key that is in the log')
  judge = new Judge(ledger)
  t.equal(numberOf(judge.judge(order('f', 3))), 2, 'what was not applied is forgotten')

  t.equal(judge.judge({ type: 'restock', key: 'r', name: 'Tux', quantity: 100 }).type, 'confirm', 'restock waits for 0')
  t.equal(
    judge.judge({ ...tux, type: 'product', key: 'again' }).type,
    'confirm',
    'seeding leaves a known product alone',
  )
  const reprice = judge.judge({ type: 'product', key: 'p', name: 'Tux', price: 1 })
  t.same(reprice.type === 'accept' && reprice.result(9), { index: 9, product: { name: 'Tux', price: 1, quantity: 1 } })
  t.equal(refusal(judge.judge({ type: 'product', key: 'p', name: 'Tux', price: 2 })), 'KEY_REUSED')
  t.equal(numberOf(judge.judge(order('g', 1))), 3, 'the last one in stock')
  const restock = judge.judge({ type: 'restock', key: 'q', name: 'Tux', quantity: 100 })
  t.same(restock.type === 'accept' && restock.result(9).product, { name: 'Tux', price: 1, quantity: 100 })
})

import { type BazaarError, type Command, type CommandResult, decode } from '@bazaar/client'
import t from 'tap'
import { Ledger } from '../src/ledger.ts'
import { OrderReader, readsWaitingMax } from '../src/order-reader.ts'
import { commandsWaitingMax, Sequencer } from '../src/sequencer.ts'
import { MemoryLog } from './memory-log.ts'

const buy = (key: string, quantity = 1, name = 'Tux'): Command => ({ type: 'buy', key, name, quantity })
const say = (result: CommandResult): string | number =>
  result.error === undefined ? (result.order?.number ?? `index ${result.index}`) : result.error.reason

/** The reason for which a promise is rejected, with the leader it hints at. */
const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: BazaarError) => `${error.reason} ${error.leader ?? ''} ${error.message}`,
  )

async function shop(stock: number) {
  const log = new MemoryLog()
  const reads = { fail: false }
  const ledger = new Ledger(index => {
    if (reads.fail) throw new Error(`log.jsonl is bad at index ${index}`)
    return log.lines(index, index)
  }, 3)
  const sequencer = new Sequencer(log, ledger, () => {})
  log.lead()
  await sequencer.execute([{ type: 'product', key: 'seed:Tux', name: 'Tux', price: 25.99, quantity: stock }])
  const execute = async (commands: readonly Command[]) => (await sequencer.execute(commands)).map(say)
  return { log, ledger, reads, sequencer, execute }
}

t.test('commands of one request are decided in order and travel as one batch', async t => {
  const { log, execute } = await shop(3)
  t.same(await execute([buy('a', 2), buy('b', 2), buy('c'), buy('a', 2), buy('d', 1, 'Nix')]), [
    1,
    'OUT_OF_STOCK',
    2,
    1,
    'PRODUCT_NOT_FOUND',
  ])
  t.equal(log.proposed.length, 4, 'a refusal and a repeated key leave no entry')
})

t.test('while one batch is on its way the next gathers', async t => {
  const { log, execute } = await shop(100)
  log.held = true
  const first = execute([buy('a')])
  const rest = [execute([buy('b')]), execute([buy('c')]), execute([buy('a')])]
  t.equal(log.proposed.length, 3, 'only the first is proposed')
  log.release()
  t.same(await first, [1])
  t.same(await Promise.all(rest), [[2], [3], [1]])
})

t.test('a refusal is answered only once it is confirmed', async t => {
  const { log, execute } = await shop(1)
  t.same(await execute([buy('a')]), [1])
  log.held = true
  const refused = execute([buy('a'), buy('b')])
  let answered = false
  refused.then(
    () => {
      answered = true
    },
    () => {},
  )
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(answered, 'a leader that cannot reach a majority does not say no, not even beside what it may say')
  log.depose()
  t.match(await refusal(refused), /^NOT_LEADER order-2/)
})

t.test('a repeated key is answered from the log, without a new entry and without a barrier', async t => {
  const { log, execute, sequencer } = await shop(5)
  t.same(await execute([buy('a', 2)]), [1])
  log.held = true
  t.same(await execute([buy('a', 2)]), [1])
  log.held = false
  t.same(await execute([buy('a', 3)]), ['KEY_REUSED'])
  t.same(await execute([{ type: 'stock', key: 'a', name: 'Tux', quantity: 2 }]), ['KEY_REUSED'])
  t.same(await sequencer.execute([{ type: 'stock', key: 's', name: 'Tux', quantity: 2 }]), [
    { index: 4, product: { name: 'Tux', price: 25.99, quantity: 5 } },
  ])
  t.same(await execute([buy('b')]), [2])
  t.same(
    await sequencer.execute([{ type: 'stock', key: 's', name: 'Tux', quantity: 2 }]),
    [{ index: 5, product: { name: 'Tux', price: 25.99, quantity: 4 } }],
    'a product as it is by now, with the index of now',
  )
})

t.test('what was in flight when leadership was lost is forgotten; the same keys may be sent again', async t => {
  const { log, ledger, execute } = await shop(1)
  log.held = true
  const lost = execute([buy('a')])
  const waiting = execute([buy('b')])
  log.depose()
  t.match(await refusal(lost), /^NOT_LEADER/)
  t.match(await refusal(waiting), /^NOT_LEADER/)
  t.match(await refusal(execute([buy('c')])), /^NOT_LEADER order-2/)
  log.held = false
  log.lead()
  t.same(await execute([buy('b'), buy('a')]), [1, 'OUT_OF_STOCK'])
  t.equal(ledger.product('Tux')?.quantity, 0)
})

t.test(
  'a leader judges nothing before all that others have committed is applied, however often it has led',
  async t => {
    const { log, execute } = await shop(1)
    log.depose()
    log.held = true
    log.lead()
    const bought = execute([buy('a')])
    t.equal(log.proposed.length, 3, 'nothing is proposed after its no-op')
    log.release()
    t.same(await bought, [1])
  },
)

t.test('what waited for a leader that was deposed takes no room of the next', async t => {
  const { log, sequencer, execute } = await shop(1)
  log.held = true
  const waiting = Array.from({ length: commandsWaitingMax / 1024 + 1 }, (_, at) =>
    refusal(sequencer.execute(Array.from({ length: 1024 }, (_, place) => buy(`${at}-${place}`)))),
  )
  log.depose()
  for (const reason of await Promise.all(waiting)) t.match(reason, /^NOT_LEADER/)
  log.held = false
  log.lead()
  t.same(await execute([buy('a')]), [1])
})

t.test('what cannot be judged, because the log cannot be read, is refused, and the next batch is judged', async t => {
  const { reads, execute } = await shop(5)
  t.same(await execute([buy('a', 2)]), [1])
  reads.fail = true
  const waiting = execute([buy('b')])
  t.match(await refusal(execute([buy('a', 2)])), /log.jsonl is bad/)
  t.same(await waiting, [2])
  reads.fail = false
  t.same(await execute([buy('c')]), [3])
})

t.test('a queue that is full refuses, and a full disk refuses', async t => {
  const { log, sequencer, execute } = await shop(100)
  log.held = true
  const first = sequencer.execute([buy('first')])
  const many = Array.from({ length: commandsWaitingMax / 1024 }, (_, at) =>
    sequencer.execute(Array.from({ length: 1024 }, (_, place) => buy(`${at}-${place}`))),
  )
  t.match(await refusal(execute([buy('one too many')])), /^OVERLOADED/)
  log.release()
  await Promise.all([first, ...many])
  log.accepting = false
  t.match(await refusal(execute([buy('z')])), /^OVERLOADED .*disk is full/)
})

t.test('a thousand orders at once: numbers without gaps, stock to the unit', async t => {
  const { log, ledger, sequencer } = await shop(700)
  const results = await Promise.all(Array.from({ length: 1000 }, (_, at) => sequencer.execute([buy(`k${at}`)])))
  const numbers = results.flatMap(([result]) => (result?.error === undefined ? [result?.order?.number] : []))
  t.same(
    numbers,
    Array.from({ length: 700 }, (_, at) => at + 1),
  )
  t.equal(ledger.product('Tux')?.quantity, 0)
  t.same(
    log.proposed.slice(2).map(line => (decode(line) as { number: number }).number),
    numbers,
  )
})

t.test('so many queries wait to hear that there is no such order, and no more', async t => {
  const confirmed = Promise.withResolvers<void>()
  const reader = new OrderReader({ barrier: () => confirmed.promise }, new Ledger(() => Buffer.alloc(0), 1))
  const waiting = Array.from({ length: readsWaitingMax }, () => reader.read(1))
  await t.rejects(reader.read(1), { message: '8192 queries wait already' })
  confirmed.resolve()
  t.equal(new Set(await Promise.all(waiting)).size, 1)
  t.equal(await reader.read(1), null, 'the next has a place again')
})

t.test('a query looks again once it is confirmed: the order may have been on its way', async t => {
  const { log, ledger, execute } = await shop(1)
  const reader = new OrderReader(log, ledger)
  log.held = true
  const bought = execute([buy('a')])
  const read = reader.read(1)
  log.release()
  t.same([await bought, (await read)?.number], [[1], 1])
})

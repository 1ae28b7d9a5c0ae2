import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, type CommandResult, ConnectionError, commandsPerRequestMax } from '@bazaar/client'
import t from 'tap'
import { FakeClock } from '../../../packages/client/test/fake-clock.ts'
import { Catalog } from '../src/catalog.ts'
import { ChangeFeed } from '../src/change-feed.ts'
import { commandKey } from '../src/command-key.ts'
import { readProductFile } from '../src/product-file.ts'
import { Products } from '../src/products.ts'
import { Restock, restockLevels } from '../src/restock.ts'
import { Seed } from '../src/seed.ts'
import { bytesOf, lineOf } from './fake-cluster.ts'

const lines = [
  lineOf(1, 1, { type: 'product', name: 'Tux', price: 25.99, quantity: 1, key: 'a' }),
  lineOf(2, 1, { type: 'product', name: 'Füchsin 🦊', price: 9, key: 'b' }),
  lineOf(3, 1, { type: 'buy', number: 1, name: 'Tux', quantity: 1, price: 25.99, key: 'c' }),
]

function buildCatalog() {
  const clock = new FakeClock()
  return { clock, catalog: new Catalog(new Products(), new ChangeFeed(clock), clock) }
}

/** Stands for the order service; each answer of the script is an error to throw, or the results. */
function scriptedCommands(script: (commands: readonly Command[]) => CommandResult[]) {
  const asked: Command[] = []
  return {
    asked,
    async execute(commands: readonly Command[]): Promise<CommandResult[]> {
      asked.push(...commands)
      return script(commands)
    },
  }
}

t.test('restocking asks for every empty product at each interval, with a key for each time it ran out', async t => {
  const { clock, catalog } = buildCatalog()
  let fails = true
  const commands = scriptedCommands(batch => {
    if (fails) throw new ConnectionError('nobody there')
    return batch.map(() => ({ index: 1 }))
  })
  const levels: Record<string, number> = { Tux: 5, 'Füchsin 🦊': 0 }
  const restock = new Restock(catalog, commands, clock, { intervalMs: 1000, levelOf: name => levels[name] ?? 0 })
  restock.start()
  catalog.apply(bytesOf(lines))
  await clock.advance(1000)
  t.strictSame(commands.asked, [], 'not before it has caught up')
  catalog.catchUpTo({ index: 1, term: 1 })
  for (const _ of [1, 2]) {
    await clock.advance(1000)
    const command = { type: 'restock', key: 'restock:3 Tux', name: 'Tux', quantity: 5 }
    t.strictSame(commands.asked.splice(0), [command], 'the same emptiness has the same key')
    fails = false
  }
  catalog.apply(bytesOf([lineOf(4, 1, { type: 'stock', name: 'Tux', quantity: 5, key: 'restock:3 Tux' })]))
  await clock.advance(1000)
  t.strictSame(commands.asked, [])
  restock.stop()
  await clock.advance(5000)
})

t.test('a product is brought back to what it began with, or to the usual where that was none', async t => {
  const levelOf = restockLevels(
    ['Tux', 'Fox'].map((name, at) => ({ name, price: 1, quantity: at * 5 })),
    100,
  )
  t.strictSame(['Tux', 'Fox', 'Yak'].map(levelOf), [100, 5, 100])
})

t.test('while one round of restocking is under way, the next is left out', async t => {
  const { clock, catalog } = buildCatalog()
  catalog.apply(bytesOf(lines))
  catalog.catchUpTo({ index: 1, term: 1 })
  const { promise: answered, resolve: answer } = Promise.withResolvers<CommandResult[]>()
  let rounds = 0
  const execute = () => {
    rounds++
    return answered
  }
  const restock = new Restock(catalog, { execute }, clock, { intervalMs: 1000, levelOf: () => 5 })
  restock.start()
  await clock.advance(3000)
  t.equal(rounds, 1)
  answer([])
  await clock.advance(1000)
  t.equal(rounds, 2)
  restock.stop()
})

t.test('a key is printable ASCII of bounded length, whatever the name, and none that a client could send', async t => {
  t.equal(commandKey('seed', 'Tux'), 'seed Tux')
  t.equal(commandKey('seed', 'a b'), 'seed a%20b')
  const long = commandKey('seed', '🦊'.repeat(64))
  t.match(long, /^seed [0-9a-f]{64}$/)
  t.not(long, commandKey('seed', '🐻'.repeat(64)))
})

t.test('seeding goes on until it is done, and does not mind that another catalog did a part', async t => {
  const { clock, catalog } = buildCatalog()
  const done = { error: { code: 422, reason: 'KEY_REUSED', message: '' } } as const
  const refused = { error: { code: 503, reason: 'OVERLOADED', message: '' } } as const
  const script: CommandResult[][] = [[done, refused], [done, done], [refused], [done, done], [{ index: 1 }]]
  let round = 0
  const commands = scriptedCommands(() => {
    const results = script[round - 1]
    round += 1
    if (results === undefined) throw new ConnectionError('nobody there')
    return results
  })
  const seed = new Seed(
    catalog,
    commands,
    clock,
    ['Tux', 'Fox'].map(name => ({ name, price: 1, quantity: 2 })),
  )
  const running = seed.run()
  void seed.run()
  for (let waits = 0; waits < 3; waits += 1) {
    await clock.advance(1000)
  }
  await running
  const products = ['Tux', 'Fox'].map(name => ({ type: 'product', key: `seed ${name}`, name, price: 1, quantity: 2 }))
  const seeded = { type: 'seeded', key: 'seeded products' }
  t.strictSame(commands.asked.splice(0), [...products, ...products, ...products, seeded, ...products, seeded])
  catalog.apply(bytesOf([lineOf(1, 1, { type: 'seeded', key: 'seeded products' })]))
  await seed.run()
  t.strictSame(commands.asked, [], 'a seeded log is left alone')
  catalog.reset()
  round = 4
  await seed.run()
  t.strictSame(commands.asked, [...products, seeded], 'and a new one is seeded')
})

t.test('however long nobody is there, seeding is tried again every second, until it is stopped', async t => {
  const { clock, catalog } = buildCatalog()
  let attempts = 0
  const execute = async () => {
    // Without a limit a fault would go on for ever.
    if (attempts++ > 100) throw new Error('too many attempts')
    throw new ConnectionError('nobody there')
  }
  const seed = new Seed(catalog, { execute }, clock, [])
  const running = seed.run()
  await clock.advance(60_000)
  t.ok(attempts > 55 && attempts < 70, `${attempts} attempts in a minute`)
  seed.stop()
  await running
})

t.test('more products than a request takes are seeded and restocked in several', async t => {
  const { clock, catalog } = buildCatalog()
  const names = Array.from({ length: commandsPerRequestMax + 1 }, (_, at) => `product-${at}`)
  const sent: (string | undefined)[][] = []
  const execute = async (commands: readonly Command[]) => {
    sent.push(commands.map(command => ('name' in command ? command.name : undefined)))
    return commands.map(() => ({ index: 1 }))
  }
  const inTwo = [names.slice(0, -1), names.slice(-1)]
  const initial = names.map(name => ({ name, price: 1, quantity: 2 }))
  await new Seed(catalog, { execute }, clock, initial).run()
  t.strictSame(sent.splice(0), [...inTwo, [undefined]])
  catalog.apply(bytesOf(names.map((name, at) => lineOf(at + 1, 1, { type: 'product', name, price: 1, key: name }))))
  catalog.catchUpTo({ index: 1, term: 1 })
  const restock = new Restock(catalog, { execute }, clock, { intervalMs: 1000, levelOf: () => 5 })
  restock.start()
  await clock.advance(1000)
  restock.stop()
  t.strictSame(
    sent.map(batch => batch.sort()),
    inTwo.map(batch => batch.sort()),
  )
})

t.test('a products file is checked, and a mistake in it is named', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-products-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'products.json')
  const write = (value: unknown) => writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  t.equal((await readProductFile(undefined)).length, 12)
  t.match(await readProductFile(undefined), [{ name: 'Tux', price: 25.99 }])
  const products = [
    { name: 'Tux', price: 1 },
    { name: 'Fox', price: 2.5, quantity: 0 },
  ]
  write(products)
  t.strictSame(await readProductFile(path), products)
  const mistakes: [unknown, RegExp][] = [
    ['[{', /JSON/],
    ['x\n', /^products file [^\n]*products\.json: [^\n]* is not valid JSON$/],
    [{}, /the file must be an array of 1\.\.10000 items, got \{\}/],
    [[], /the file must be an array of 1/],
    [[{ name: 'Tux' }], /0\.price is missing/],
    [[{ name: 'Tux', price: '1' }], /0\.price must be 0\.\.1000000, got "1"/],
    [[{ name: 'a/b', price: 1 }], /0\.name must be/],
    [[{ name: 'Tux', price: 1, color: 'red' }], /0\.color is not a known field/],
    [[...products, ...products], /"Tux" is there twice/],
  ]
  for (const [value, message] of mistakes) {
    write(value)
    await t.rejects(readProductFile(path), { name: 'ConfigError', message }, String(message))
  }
  await t.rejects(readProductFile(`${path}.absent`), { name: 'ConfigError', message: /no such file/ })
})

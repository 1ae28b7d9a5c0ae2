import { isDeepStrictEqual } from 'node:util'
import type { LogEntry, Order, Product } from '@bazaar/client'
import { checkLookups, checkOrders, type OrderOperation } from '@bazaar/linearizability'
import { orderOf } from '../../apps/order/src/ledger.ts'
import type { History } from './history.ts'
import { logPathOf } from './order-process.ts'
import { Violation } from './witness.ts'
import type { World } from './world.ts'

/** Products and what they begin with. */
export type InitialProducts = readonly Product[]

/** The checks that end every run, once the system has settled. Each throws a Violation that names its invariant. */
export function checkAll(world: World, history: History, products: InitialProducts): void {
  const log = world.witness.lines.map(line => JSON.parse(line) as LogEntry)
  checkAcknowledged(log, history)
  checkKeys(log)
  checkStock(log, world, products)
  checkFiles(world)
  const operations = [...history.operations, ...placedChanges(log, history, world.scheduler.now)]
  const before = products.map(product => {
    return { ...product, quantity: product.quantity + (history.stockedBefore.get(product.name) ?? 0) }
  })
  const orders = checkOrders(before, operations, { stepsMax: 2_000_000, deadEndsMax: 200_000 })
  if (!orders.ok) throw new Violation(`I4: ${orders.explanation}`)
  const lookups = checkLookups(log, history.lookups, history.acknowledgements)
  if (!lookups.ok) throw new Violation(`I7: ${lookups.explanation}`)
}

/** Changes of stock and price, each at its place in the log. */
function placedChanges(log: readonly LogEntry[], { changes }: History, end: number): OrderOperation[] {
  const placed: OrderOperation[] = []
  let after = 0
  for (const entry of log) {
    if (entry.type === 'buy' || entry.type === 'sell') after = entry.number
    const attempts = 'key' in entry ? changes.get(entry.key) : undefined
    if (attempts === undefined || (entry.type !== 'stock' && entry.type !== 'product')) continue
    const { index, name, key } = entry
    const returned = Math.min(end, ...attempts.answers.filter(answer => answer.index >= index).map(({ at }) => at))
    const { invoked } = attempts
    const common = { client: 'log', key, name, after, invoked, returned, outcome: { done: true } } as const
    if (entry.type === 'stock') placed.push({ type: 'stock', quantity: entry.quantity, ...common })
    else placed.push({ type: 'price', price: entry.price, ...common })
  }
  return placed
}

/** I1: every acknowledged order stands in the committed log as it was acknowledged. */
function checkAcknowledged(log: readonly LogEntry[], history: History): void {
  const orders = new Map<number, { order: Order; key: string }>()
  for (const entry of log) {
    const order = orderOf(entry)
    if (order !== null && entry.type !== 'noop') orders.set(order.number, { order, key: entry.key })
  }
  for (const operation of history.operations) {
    if (operation.type !== 'order' || operation.outcome === null || !('order' in operation.outcome)) continue
    const { order } = operation.outcome
    const stored = orders.get(order.number)
    if (!isDeepStrictEqual(stored, { order, key: operation.key })) {
      throw new Violation(
        `I1: acknowledged ${JSON.stringify(order)} (${operation.key}), stored ${JSON.stringify(stored)}`,
      )
    }
  }
}

/** I2: no key has two entries. */
function checkKeys(log: readonly LogEntry[]): void {
  const keys = new Map<string, number>()
  for (const entry of log) {
    if (entry.type === 'noop') continue
    const earlier = keys.get(entry.key)
    if (earlier !== undefined) throw new Violation(`I2: key ${entry.key} stands at index ${earlier} and ${entry.index}`)
    keys.set(entry.key, entry.index)
  }
}

/** I3: initial + stocked + sold back − bought = stock, never below 0; and every replica's ledger says the same. */
function checkStock(log: readonly LogEntry[], world: World, products: InitialProducts): void {
  const stock = new Map(products.map(({ name, quantity }) => [name, quantity]))
  for (const entry of log) {
    if (entry.type !== 'stock' && entry.type !== 'buy' && entry.type !== 'sell') continue
    const left = (stock.get(entry.name) ?? 0) + (entry.type === 'buy' ? -entry.quantity : entry.quantity)
    if (left < 0) throw new Violation(`I3: ${entry.name} falls to ${left} at index ${entry.index}`)
    stock.set(entry.name, left)
  }
  for (const [replica, probe] of world.probes) {
    for (const { name, quantity } of probe.products()) {
      if (quantity !== stock.get(name))
        throw new Violation(`I3: ${replica} has ${quantity} ${name}, not ${stock.get(name)}`)
    }
  }
}

/** I5: the files of all replicas are one and the same. */
function checkFiles({ files, replicas, witness }: World): void {
  const expected = witness.lines.join('')
  for (const replica of replicas) {
    const file = files.existing(logPathOf(replica))
    const text = file.read(0, file.size).toString('latin1')
    if (text !== expected) throw new Violation(`I5: log.jsonl of ${replica} differs from the committed log`)
  }
}

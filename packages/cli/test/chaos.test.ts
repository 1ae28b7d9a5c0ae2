import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BazaarError, type LogEntry } from '@bazaar/client'
import type { ClusterStatus } from '@bazaar/cluster'
import { checkOrders } from '@bazaar/linearizability'
import t, { type Test } from 'tap'
import { runChaosClient } from '../src/chaos-client.ts'
import { parseChaosOptions } from '../src/chaos-options.ts'
import { type Acknowledged, newChaosRecord } from '../src/chaos-record.ts'
import { chaosJson, chaosPassed, chaosText } from '../src/chaos-report.ts'
import type { ChaosResult } from '../src/chaos-run.ts'
import { FaultHistory } from '../src/fault-history.ts'
import { FaultInjector, type FaultyCluster } from '../src/fault-injector.ts'
import { type FaultKind, type FaultTarget, faultKinds, faultPlan, faultTargets } from '../src/fault-plan.ts'
import { auditLog, hashLogs, readLog } from '../src/log-audit.ts'
import { seededRandom } from '../src/random.ts'
import { unsettled } from '../src/settle.ts'
import type { Shopper } from '../src/shopper.ts'
import { failoversOf, slowestLookups, stallsOf } from '../src/stalls.ts'
import { canInjectSystemCallFaults, failSystemCalls } from '../src/system-call-fault.ts'
import { defaultProducts, FakeShop } from './fake-shop.ts'

const given = { seconds: '30', clients: '5', fault: 'kill,pause', target: 'leader,follower' }

const no = () => false

t.test('chaos options are read, and mistakes are named', async t => {
  const options = parseChaosOptions({ ...given, seed: '4' }, no, () => 9)
  t.strictSame(options.faults, ['kill', 'pause'])
  t.strictSame([options.seed, options.seconds, options.failovers], [4, 30, null])
  t.equal(parseChaosOptions(given, no, () => 9).seed, 9)
  const all = { seconds: '30', clients: '5', target: 'leader' }
  t.strictSame(parseChaosOptions(all, no, () => 9).faults, ['kill', 'down', 'pause', 'both'])
  t.strictSame(
    parseChaosOptions(
      all,
      () => true,
      () => 9,
    ).faults,
    faultKinds,
  )
  const failover = parseChaosOptions({ failover: '100' }, no, () => 9)
  t.strictSame([failover.faults, failover.targets, failover.failovers], [['kill'], ['leader'], 100])
  const mistakes: [Partial<typeof given> & { failover?: string }, RegExp][] = [
    [{ fault: 'kill,melt' }, /--fault must be one of kill, down, pause, both, eio, enospc, got "melt"/],
    [{ target: 'boss' }, /--target must be one of leader, follower, .* got "boss"/],
    [{ seconds: '0' }, /--seconds must be a number 1\.\.86400, got "0"/],
    [{ fault: 'kill,eio' }, /--fault eio needs strace/],
    [{ failover: '0' }, /--failover must be an integer/],
    [{ failover: '9' }, /--failover goes without --seconds/],
  ]
  for (const [mistake, message] of mistakes) {
    t.throws(() => parseChaosOptions({ ...given, ...mistake }, no, () => 9), { name: 'UsageError', message })
  }
})

t.test('one seed makes one plan, within its bounds', async t => {
  const plan = (seed: number) => {
    const planned = faultPlan(faultKinds, faultTargets, seededRandom(seed))
    return Array.from({ length: 500 }, () => planned.next().value)
  }
  t.strictSame(plan(1), plan(1))
  t.notSame(plan(1), plan(2))
  for (const { fault, holdMs, afterMs } of plan(3)) {
    t.ok(afterMs >= 50 && afterMs <= 1000)
    t.ok(holdMs <= { kill: 0, down: 2000, pause: 5000, both: 1000, eio: 0, enospc: 2000 }[fault])
    t.ok(holdMs >= (fault === 'kill' || fault === 'eio' ? 0 : 100))
  }
  t.equal(new Set(plan(3).map(({ fault, target }) => `${fault} ${target}`)).size, 36, 'every fault with every target')
})

const leaderKill = {
  fault: 'kill',
  target: 'leader',
  names: ['order-3'],
  leaderKilled: true,
  from: 0,
  to: 400,
} as const

const names = ['order-1', 'order-2', 'order-3', 'catalog-1', 'frontend-1']

/** A cluster that only notes what is done to it; `order-3` leads. */
function noteCluster(t: Test): { cluster: FaultyCluster; done: string[]; fail: typeof failSystemCalls } {
  const done: string[] = []
  const note = (what: string) => async (name: string) => {
    done.push(`${what} ${name}`)
    return name
  }
  const processes = names.map(name => ({ name, state: 'up', rssMiB: 50 }))
  const cluster = {
    data: '/data',
    pidOf: (name: string) => names.indexOf(name) + 100 * done.filter(what => what === `EIO ${name}`).length,
    leader: async () => 'order-3',
    status: async () => ({ processes }) as unknown as ClusterStatus,
    kill: async (name: string, options?: { hold?: boolean }) => note(options?.hold ? 'hold' : 'kill')(name),
    pause: note('pause'),
    resume: note('resume'),
    start: note('start'),
  }
  const fail: typeof failSystemCalls = async (pid, calls, error, paths) => {
    const name = names[pid] as string
    done.push(`${error} ${name}`)
    t.same(paths, [`/data/${name}/log.jsonl`, `/data/${name}/log.ring`])
    t.ok(calls.length > 0)
    return { end: async () => void done.push(`end ${name}`) }
  }
  return { cluster, done, fail }
}

t.test('the injector finds its targets and brings them back', async t => {
  const { cluster, done, fail } = noteCluster(t)
  const injector = new FaultInjector(cluster, names, seededRandom(1), fail)
  const inject = (fault: FaultKind, target: FaultTarget, holdMs: number) =>
    injector.inject({ fault, target, afterMs: 0, holdMs }, () => {})
  const killed = await inject('kill', 'leader', 0)
  t.match(killed, { names: ['order-3'], leaderKilled: true })
  t.ok(killed.to > killed.from)
  t.match(await inject('down', 'catalog', 1), { names: ['catalog-1'], leaderKilled: false })
  t.match(await inject('pause', 'leader', 1), { names: ['order-3'], leaderKilled: false })
  t.strictSame(done, ['kill order-3', 'hold catalog-1', 'start catalog-1', 'pause order-3', 'resume order-3'])
  for (let turn = 0; turn < 20; turn += 1) {
    const { names: follower } = await inject('kill', 'follower', 0)
    t.match(follower[0], /^order-[12]$/)
  }
  done.length = 0
  t.match(await inject('enospc', 'leader', 1), { names: ['order-1', 'order-2', 'order-3'], leaderKilled: false })
  t.strictSame(done, [...[1, 2, 3].map(id => `ENOSPC order-${id}`), ...[1, 2, 3].map(id => `end order-${id}`)])
  done.length = 0
  t.match(
    await inject('eio', 'catalog', 0),
    { names: ['order-3'], target: 'leader' },
    'only replicas must not lose what they synced',
  )
  t.strictSame(done, ['EIO order-3', 'end order-3'])
  const rolled: string[] = []
  for (let turn = 0; turn < 6; turn += 1) rolled.push((await inject('kill', 'rolling', 0)).names[0] as string)
  t.strictSame(rolled, [...names, 'order-1'])
  const both = await inject('both', 'frontend', 1)
  t.equal(both.names[0], 'frontend-1')
  t.equal(both.names.length, 2)
  t.not(both.names[1], 'frontend-1', 'the one paused beside is another')
  t.match(await inject('both', 'leader', 1), { leaderKilled: true })
})

t.test('a fault is noted before it is injected, and over when all whom it befell answer again', async t => {
  const { cluster, done, fail } = noteCluster(t)
  const up = { state: 'up', rssMiB: 50 }
  const asked: object[] = []
  const status = async () => {
    const state =
      [
        { state: 'starting', rssMiB: null },
        { state: 'up', rssMiB: null },
      ][asked.length] ?? up
    asked.push(state)
    return { processes: names.map(name => ({ name, ...state })) } as unknown as ClusterStatus
  }
  const injector = new FaultInjector({ ...cluster, status }, names, seededRandom(1), fail)
  const inject = (fault: FaultKind) =>
    injector.inject({ fault, target: 'leader', afterMs: 0, holdMs: 1 }, ({ names, to }) => done.push(`${names} ${to}`))
  await inject('kill')
  t.strictSame(done, ['order-3 Infinity', 'kill order-3'])
  t.equal(asked.length, 3, 'up is not enough, it has to answer')
  await inject('both')
  t.equal(asked.length, 5)
})

const answer = (invoked: number, returned: number) => ({ invoked, returned })

t.test('a stall is the longest wait between a fault and the next one', async t => {
  const answers = [answer(90, 95), answer(95, 105), answer(105, 180), answer(180, 190), answer(190, 420)]
  const faults = [
    { from: 100, to: 150 },
    { from: 200, to: 300 },
  ]
  t.strictSame(stallsOf(faults, answers, 500), [75, 220])
  t.strictSame(stallsOf([{ from: 100, to: 150 }], [], 900), [800], 'no answer at all stalls to the end')
  t.strictSame(stallsOf([{ from: 0, to: 10 }], [answer(1, 5), answer(5, 1200), answer(1200, 9000)], 9000), [1195])
  t.strictSame(stallsOf([{ from: 0, to: 10 }], [answer(5, 500), answer(500, 1400)], 9000), [900], 'felt afterwards')
})

t.test('a fault is blamed for the slowest look-up that it touched', async t => {
  const lookups = [answer(0, 50), answer(90, 120), answer(400, 900), answer(1300, 9000)]
  t.strictSame(slowestLookups([{ from: 100, to: 200 }], lookups), [500])
  t.strictSame(slowestLookups([{ from: 10_000, to: 10_100 }], lookups), [null])
})

t.test('a failover ends with an order that was asked for after the kill', async t => {
  const kill = { from: 100, leaderKilled: true }
  const answers = [answer(90, 104), answer(95, 160), answer(161, 170), answer(104, 165)]
  t.strictSame(failoversOf([kill], answers), [65])
  t.strictSame(failoversOf([{ from: 100, leaderKilled: false }], answers), [])
  t.strictSame(failoversOf([{ from: 200, leaderKilled: true }], answers), [null])
})

const log: LogEntry[] = [
  { index: 1, term: 1, type: 'noop' },
  { index: 2, term: 1, type: 'product', name: 'Tux', price: 5, quantity: 10, key: 'seed' },
  { index: 3, term: 1, type: 'buy', number: 1, name: 'Tux', quantity: 3, price: 5, key: 'a' },
  { index: 4, term: 2, type: 'stock', name: 'Tux', quantity: 4, key: 's' },
  { index: 5, term: 2, type: 'sell', number: 2, name: 'Tux', quantity: 1, price: 5, key: 'b' },
]

const acknowledged = (number: number, type: 'buy' | 'sell', quantity: number, key: string): Acknowledged => ({
  frontend: 'frontend-1',
  name: 'Tux',
  number,
  invoked: 0,
  returned: 1,
  key,
  order: { number, name: 'Tux', type, quantity, price: 5 },
})

const first = acknowledged(1, 'buy', 3, 'a')
const second = acknowledged(2, 'sell', 1, 'b')

t.test('the audit finds nothing in a good log and adds its stock up', async t => {
  const none = { lost: 0, wrong: 0, duplicated: 0 }
  const repriced = { index: 6, term: 2, type: 'product', name: 'Tux', price: 7, quantity: 50, key: 'd' } as const
  for (const entries of [log, [...log, repriced]]) {
    t.strictSame(auditLog(entries, [first, second]), { ...none, stock: new Map([['Tux', 12]]), examples: [] })
  }
})

t.test('the audit finds what is lost, wrong, doubled, missing or below zero', async t => {
  const find = (entries: LogEntry[], acks: Acknowledged[]) => {
    const { lost, wrong, duplicated, examples } = auditLog(entries, acks)
    return { counts: [lost, wrong, duplicated], text: examples.join('\n') }
  }
  const third = { index: 6, term: 2, type: 'buy', number: 3, name: 'Tux', quantity: 1, price: 5, key: 'c' } as const
  t.match(find(log, [acknowledged(3, 'buy', 1, 'c')]), { counts: [1, 0, 0], text: 'lost: order 3, key c' })
  t.match(find(log, [acknowledged(1, 'buy', 2, 'a')]), { counts: [0, 1, 0] })
  t.match(find(log, [acknowledged(1, 'buy', 3, 'x')]), { counts: [0, 1, 0] }, 'somebody else has that number')
  t.match(find([...log, { ...third, key: 'a' }], []), { counts: [0, 0, 1], text: 'duplicated: key a at index 6' })
  t.match(find(log, [first, { ...first, key: 'z' }]), { counts: [0, 1, 1] }, 'one number, two keys')
  t.match(find([...log, { ...third, number: 4 }], []), { counts: [0, 1, 0], text: 'wrong: order 4 follows order 2' })
  t.match(find([...log, { ...third, number: 2 }], []), { counts: [0, 1, 0] }, 'a number given twice')
  t.match(find([...log, { ...third, quantity: 13 }], []), { counts: [0, 1, 0], text: 'wrong: Tux has -1 units' })
})

t.test('logs are hashed as sha256sum does and read line by line', async t => {
  const data = t.testdir()
  const text = log.map(entry => `${JSON.stringify(entry)}\n`).join('')
  for (const replica of ['order-1', 'order-2']) {
    mkdirSync(join(data, replica))
    writeFileSync(join(data, replica, 'log.jsonl'), text)
  }
  const hash = createHash('sha256').update(text).digest('hex')
  t.strictSame(await hashLogs(data, ['order-1', 'order-2']), [hash, hash])
  t.strictSame(await readLog(data, 'order-1'), log)
  writeFileSync(join(data, 'order-2', 'log.jsonl'), `${text}{"index":`)
  await t.rejects(readLog(data, 'order-2'), /log\.jsonl: line 6: /)
})

t.test('a cluster is settled when all are up and at one index', async t => {
  const at = (name: string, index: number | null, state = 'up') => {
    const indexes = { lastIndex: index, commitIndex: index, appliedIndex: index }
    return {
      name,
      state,
      ...(name.startsWith('catalog') ? { lastIndex: null, commitIndex: null, appliedIndex: index } : indexes),
    }
  }
  const status = (...processes: object[]) => ({ leader: 'order-1', processes }) as unknown as ClusterStatus
  t.equal(unsettled(status(at('order-1', 5), at('order-2', 5), at('catalog-1', 5), at('frontend-1', null))), null)
  t.equal(unsettled(status(at('order-1', 5), at('order-2', 4))), 'order-2 is at 4/4/4 of 5')
  t.equal(unsettled(status(at('order-1', 5), at('catalog-1', 4))), 'catalog-1 is at 4 of 5')
  t.equal(unsettled(status(at('order-1', 5), at('order-2', 5, 'paused'))), 'order-2 is paused')
  t.equal(unsettled(status(at('order-1', null))), 'nobody leads')
})

t.test('a client tries again with its key, and a failure counts unless the front-end was down', async t => {
  const shop = new FakeShop()
  const record = newChaosRecord()
  const history = new FaultHistory()
  const run = (turns: number) => {
    let begun = 0
    return runChaosClient({
      shopper: shop.shopper(),
      name: `client-${turns}`,
      random: seededRandom(5),
      products: ['Tux', 'Whale'],
      looksUp: true,
      record,
      isOver: () => begun++ >= turns,
      history,
    })
  }
  await run(60)
  t.strictSame([record.failed, record.retried], [0, 0])
  t.equal(record.acknowledged.length, shop.orders.length)
  t.ok(record.lookups.length > 5 && record.operations.some(operation => operation.type === 'query'))
  shop.failures = 2
  await run(8)
  t.strictSame([record.failed, record.retried], [2, 0])
  t.match(record.failures[0], /: Error: connection reset after \d+ ms$/)
  history.note({ ...leaderKill, names: ['frontend-1'], to: Number.POSITIVE_INFINITY })
  shop.failures = 3
  await run(9)
  t.strictSame([record.failed, record.retried], [2, 3])
  t.equal(record.acknowledged.length, shop.orders.length, 'nothing was ordered twice')
})

t.test('a look-up that does not find a product that is there is a failure', async t => {
  const shopper = new FakeShop().shopper()
  const record = newChaosRecord()
  let lookedUp = 0
  const forgetful: Shopper = {
    ...shopper,
    lookUp: name =>
      lookedUp++ === 0 ? Promise.reject(new BazaarError('PRODUCT_NOT_FOUND', 'gone')) : shopper.lookUp(name),
  }
  await runChaosClient({
    shopper: forgetful,
    name: 'client',
    random: seededRandom(5),
    products: ['Tux'],
    looksUp: true,
    record,
    isOver: () => lookedUp > 0,
    history: new FaultHistory(),
  })
  t.strictSame([record.failed, record.lookups.length], [1, 1])
  t.match(record.failures, [/^look-up Tux: .*gone after/])
})

t.test('what a client asked and was told, of whom and when, is on its record', async t => {
  const products = defaultProducts.map(product => ({ ...product, quantity: 2 }))
  const shop = new FakeShop({ products })
  const shopper = shop.shopper()
  const record = newChaosRecord()
  const history = new FaultHistory()
  const toEternity = { ...leaderKill, to: Number.POSITIVE_INFINITY }
  history.note({ ...toEternity, fault: 'enospc', names: ['order-1'] })
  const told: unknown[] = []
  const queried: unknown[] = []
  const ahead: number[] = []
  const lookups: { frontend: string; at: number }[] = []
  const acknowledgedBy: string[] = []
  const moody: Shopper = {
    ...shopper,
    async order(request, key) {
      const frontend = history.frontend()
      history.note({ ...toEternity, names: ['frontend-1'] })
      const placed = await shopper.order(request, key).catch(error => error)
      // Now and then it is placed, and the client does not hear of it.
      const answer = told.length % 4 === 3 ? new BazaarError('OVERLOADED', 'full') : placed
      told.push(answer instanceof BazaarError ? answer.reason : answer.number)
      if (answer instanceof BazaarError) throw answer
      acknowledgedBy.push(frontend)
      return answer
    },
    async findOrder(number) {
      ahead.push(number - shop.orders.length)
      const answer =
        queried.length % 4 === 3 ? new Error('reset') : await shopper.findOrder(number).catch(error => error)
      queried.push(answer instanceof BazaarError ? null : answer instanceof Error ? 'reset' : answer)
      if (answer instanceof Error) throw answer
      return answer
    },
    async lookUp(name) {
      lookups.push({ frontend: history.frontend(), at: performance.now() })
      history.note({ ...toEternity, names: ['frontend-1'] })
      return shopper.lookUp(name)
    },
  }
  const run = (looksUp: boolean) => {
    let begun = 0
    const isOver = () => begun++ >= 80
    const [random, names] = [seededRandom(5), products.map(({ name }) => name)]
    return runChaosClient({
      shopper: moody,
      name: `${looksUp}`,
      random,
      products: names,
      looksUp,
      record,
      isOver,
      history,
    })
  }
  await run(true)
  const lookedUp = lookups.length
  await run(false)
  t.ok(lookedUp > 0 && lookups.length === lookedUp, 'who only orders looks nothing up')
  t.ok(Math.max(...ahead) > 1, 'what is not there yet is asked for, too')
  const noted = record.operations.map(operation => {
    if (operation.type === 'query') return { queried: operation.outcome?.order }
    const outcome = operation.outcome ?? { refused: 'OVERLOADED' }
    return { told: 'refused' in outcome ? outcome.refused : 'order' in outcome && outcome.order.number }
  })
  t.strictSame(
    noted.flatMap(({ told }) => told ?? []),
    told,
  )
  t.strictSame(
    noted.flatMap(({ queried }) => (queried === undefined ? [] : [queried])),
    queried.filter(answer => answer !== 'reset'),
  )
  t.ok(['OUT_OF_STOCK', 'OVERLOADED'].every(reason => told.includes(reason)) && queried.includes(null))
  const again = [...told.filter(reason => reason === 'OVERLOADED'), ...queried.filter(answer => answer === 'reset')]
  t.strictSame([record.failed, record.retried], [0, again.length])
  t.equal(record.requests, told.length + queried.length + lookups.length)
  t.strictSame(
    record.lookups.map(({ frontend }) => frontend),
    lookups.map(({ frontend }) => frontend),
  )
  t.strictSame(
    record.acknowledged.map(({ frontend }) => frontend),
    acknowledgedBy,
  )
  const firstAsked = (key: string) =>
    Math.min(...record.operations.flatMap(one => (one.type === 'order' && one.key === key ? one.invoked : [])))
  t.ok(
    record.acknowledged.every(({ key, invoked }) => invoked === firstAsked(key)),
    'an order may be seen from its first attempt on',
  )
  t.ok(record.lookups.every(({ invoked, returned }, at) => invoked <= (lookups[at]?.at ?? 0) && returned > invoked))
  t.same(checkOrders(products, record.operations), { ok: true })
  t.equal(record.acknowledged.length, shop.orders.length, 'nothing was ordered twice')
})

const good: ChaosResult = {
  record: { ...newChaosRecord(), requests: 1200, retried: 3, acknowledged: [first, second] },
  faults: [
    { ...leaderKill, names: ['order-3'] },
    { ...leaderKill, names: ['order-2'], fault: 'pause', leaderKilled: false },
  ],
  stallsMs: [61.4, 212],
  slowestLookupsMs: [1.5, null],
  failoversMs: [58.2],
  readBack: { orders: 2, mismatches: 0, unread: 0, examples: [] },
  audit: { lost: 0, wrong: 0, duplicated: 0, stock: new Map([['Tux', 12]]), examples: [] },
  stock: { expected: 12, actual: 12, wrong: 0 },
  sha256: ['ab'.repeat(32), 'ab'.repeat(32), 'ab'.repeat(32)],
  orders: { ok: true },
  lookups: { ok: true },
  elapsedMs: 30_000,
  options: parseChaosOptions(given, no, () => 7),
}

t.test('only a closed door and a full disk excuse a failure, and only their own kind', async t => {
  const history = new FaultHistory()
  const [reset, refused] = [new Error('reset'), new BazaarError('OVERLOADED', 'the disk is full')]
  history.note({ ...leaderKill, names: ['order-3'], to: 400 })
  t.notOk(history.excuses('order', reset, 100), 'a replica')
  history.note({ ...leaderKill, fault: 'pause', names: ['frontend-1'], to: 400 })
  t.notOk(history.excuses('order', reset, 100), 'a pause breaks no connection')
  history.note({ ...leaderKill, names: ['frontend-1'], to: 400 })
  t.ok(history.excuses('order', reset, 100))
  t.ok(history.excuses('order', reset, 600), 'a moment later')
  t.notOk(history.excuses('order', reset, 1000), 'long after')
  t.notOk(history.excuses('order', refused, 100), 'an answer came through the door')
  t.equal(history.frontend(), 'frontend-1, start 2')
  history.note({ ...leaderKill, fault: 'enospc', names: ['order-1'], to: 2000 })
  t.ok(history.excuses('order', refused, 1500))
  t.notOk(history.excuses('query', refused, 1500), 'reads go on')
  t.notOk(history.excuses('order', reset, 1500), 'and no connection breaks')
  t.notOk(history.excuses('order', new BazaarError('INTERNAL', 'oops'), 1500))
})

const strace = canInjectSystemCallFaults()

t.test('system calls of a running process fail and succeed again', { skip: !strace && 'no strace' }, async t => {
  const path = join(t.testdir(), 'file')
  const script = `const fs = require('node:fs')
    const file = fs.openSync(${JSON.stringify(path)}, 'a')
    process.stdin.on('data', () => {
      try { fs.fdatasyncSync(file); console.log('synced') } catch (error) { console.log(error.code) }
    })
    console.log('open')`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const sync = async () => {
    child.stdin.write('x')
    return (await lines.next()).value
  }
  t.equal((await lines.next()).value, 'open')
  const fault = await failSystemCalls(child.pid as number, ['fdatasync'], 'EIO', [`${path}.other`, path])
  t.equal(await sync(), 'EIO')
  await fault.end()
  t.equal(await sync(), 'synced')
  await t.rejects(
    failSystemCalls(2 ** 22 - 1, ['fdatasync'], 'EIO', [path]),
    /strace cannot attach to process 4194303: /,
  )
})

t.test('the report of a good run answers both questions well', async t => {
  t.ok(chaosPassed(good))
  t.matchSnapshot(chaosText(good))
  const fault = (fault: FaultKind, target: FaultTarget) => ({ ...leaderKill, names: ['order-3'], fault, target })
  const faults = [fault('pause', 'leader'), fault('enospc', 'leader'), fault('kill', 'leader'), fault('kill', 'leader')]
  const text = chaosText({ ...good, faults, stallsMs: [1, 2, 3, 4], slowestLookupsMs: [5, 6, 7, 8] })
  t.match(
    text,
    /^enospc +replicas +1 .*\nkill +leader +2 +3\.00 +4\.00 +4\.00 +7\.00 +8\.00\npause .*\nall +4 +2\.00 .* 8\.00$/m,
    'a line for each kind of fault, by its name',
  )
})

t.test('whatever goes wrong fails the run and is told', async t => {
  const bad: ChaosResult = {
    ...good,
    record: { ...good.record, failed: 1, failures: ['look-up of Tux: BazaarError: no quorum after 10001 ms'] },
    audit: { lost: 1, wrong: 0, duplicated: 0, stock: new Map([['Tux', 12]]), examples: ['lost: order 3, key c'] },
    stock: { expected: 12, actual: 11, wrong: 1 },
    sha256: ['ab'.repeat(32), 'cd'.repeat(32), 'ab'.repeat(32)],
    orders: { ok: false, undecided: false, explanation: 'Tux: order 3 was never there' },
  }
  t.matchSnapshot(chaosText(bad))
  const parts: Partial<ChaosResult>[] = [
    { record: bad.record },
    { audit: bad.audit },
    { stock: bad.stock },
    { stock: { expected: 12, actual: 12, wrong: 2 } },
    { sha256: bad.sha256 },
    { orders: bad.orders },
    { lookups: bad.orders },
    { failoversMs: [null] },
    { readBack: { orders: 2, mismatches: 1, unread: 0, examples: [] } },
    { readBack: { orders: 1, mismatches: 0, unread: 1, examples: [] } },
  ]
  for (const part of parts) {
    const [result, what] = [{ ...good, ...part }, Object.keys(part).join()]
    t.notOk(chaosPassed(result), what)
    t.match(chaosJson(result), { passed: false, lookupsNeverBack: part.lookups === undefined }, what)
  }
  t.match(
    chaosText({ ...good, failoversMs: [58.2, null] }),
    /After 1 kill of the .*\nafter 1 kill of the leader no order was answered any more\n.*\nFAILED/s,
  )
  t.match(chaosJson(bad), { failures: bad.record.failures })
  t.match(chaosJson(bad), { failed: 1, lost: 1, replicasIdentical: false, linearizable: false })
})

t.test('the JSON has what the contract names', async t => {
  t.match(JSON.parse(JSON.stringify(chaosJson(good))), {
    faults: { kill: 1, pause: 1 },
    requests: 1200,
    failed: 0,
    retried: 3,
    acknowledged: 2,
    lost: 0,
    wrong: 0,
    duplicated: 0,
    stock: { expected: 12, actual: 12, wrong: 0 },
    replicasIdentical: true,
    sha256: good.sha256,
    linearizable: true,
    stallMs: { p50: 61.4, p99: 212, max: 212 },
    failoverMs: { count: 1, p50: 58.2 },
    seed: 7,
    seconds: 30,
    passed: true,
  })
})

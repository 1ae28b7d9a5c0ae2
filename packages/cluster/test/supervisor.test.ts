import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { socketPath } from '@bazaar/client'
import t, { type Test } from 'tap'
import { ask, isWell } from '../src/ask.ts'
import { readyTimeoutOf } from '../src/cluster.ts'
import type { Control } from '../src/control.ts'
import { connectCluster } from '../src/control-client.ts'
import { openControl } from '../src/control-server.ts'
import { adminTokenOf } from '../src/data-folder.ts'
import { localControl } from '../src/local-control.ts'
import { LogFile, logBytesMax } from '../src/log-file.ts'
import type { Notice } from '../src/notice.ts'
import { healthyAfterMs, restartDelayMs } from '../src/restart-delay.ts'
import { leaderAmong, statusOf } from '../src/status.ts'
import { Supervisor } from '../src/supervisor.ts'
import { defaultSettings, type ProcessSpec, topology } from '../src/topology.ts'
import { until } from '../src/until.ts'

const stub = fileURLToPath(new URL('stub.mjs', import.meta.url))
const patienceMs = 10_000

function folder(t: Test): string {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-test-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  return data
}

function specOf(data: string, name: string, env: Record<string, string> = {}): ProcessSpec {
  return { name, entry: stub, env: { BAZAAR_NAME: name, BAZAAR_DATA: data, ...env } }
}

function supervise(t: Test, data: string, specs: ProcessSpec[]) {
  const notices: Notice[] = []
  const isHealthy = (name: string) => isWell(socketPath(data, name), '/health', 1000)
  const supervisor = new Supervisor(specs, { data, isHealthy, onNotice: notice => notices.push(notice) })
  t.teardown(() => supervisor.stop())
  return { supervisor, notices }
}

async function eventually(t: Test, what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  t.ok(await until(condition, patienceMs), what)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

t.test('the topology names every process and gives each its environment', async t => {
  const settings = { ...defaultSettings, replicas: 5, catalogs: 2, products: '/shop.json', adminToken: 'secret' }
  const specs = topology(settings, '/data')
  t.strictSame(
    specs.map(({ name }) => name),
    ['order-1', 'order-2', 'order-3', 'order-4', 'order-5', 'catalog-1', 'catalog-2', 'frontend-1'],
  )
  t.match(specs[0], { entry: /apps\/order\/dist\/bundle\.js$/, env: { BAZAAR_DATA: '/data', BAZAAR_REPLICAS: '5' } })
  t.match(specs[5]?.env, { BAZAAR_PRODUCTS: '/shop.json', BAZAAR_STOCK: '100', BAZAAR_RESTOCK_MS: '10000' })
  t.match(specs[7]?.env, { BAZAAR_PORT: '8080', BAZAAR_CACHE: '10', BAZAAR_CATALOGS: '2', ADMIN_TOKEN: 'secret' })
  t.notOk(
    specs.slice(0, 7).some(({ env }) => 'ADMIN_TOKEN' in env),
    'only the front-end knows the token',
  )
})

t.test('a token is made once, and one that opens no door is told by its file', async t => {
  const data = folder(t)
  const path = join(data, 'admin-token')
  const token = adminTokenOf(data)
  t.equal(adminTokenOf(data), token)
  t.strictSame([readFileSync(path, 'utf8'), statSync(path).mode & 0o777], [`${token}\n`, 0o600])
  for (const spoilt of ['\0'.repeat(33), 'two\nlines\n']) {
    writeFileSync(path, spoilt)
    t.throws(() => adminTokenOf(data), { reason: 'TOKEN_UNUSABLE', message: RegExp(`${path} is not of visible ASCII`) })
  }
  rmSync(path)
  mkdirSync(path)
  t.throws(() => adminTokenOf(data), { reason: 'TOKEN_UNUSABLE', message: RegExp(`${path} cannot be read: EISDIR`) })
})

t.test('a token is neither read nor written through a link', async t => {
  const data = folder(t)
  const path = join(data, 'admin-token')
  const other = join(data, 'secret')
  writeFileSync(other, 'secret')
  symlinkSync(other, `${path}.tmp`)
  const token = adminTokenOf(data)
  t.strictSame([readFileSync(other, 'utf8'), adminTokenOf(data)], ['secret', token])
  rmSync(path)
  symlinkSync(other, path)
  t.throws(() => adminTokenOf(data), { reason: 'TOKEN_UNUSABLE', message: RegExp(`${path} is a link`) })
})

t.test('restarts wait longer and longer, up to a limit', async t => {
  t.strictSame([0, 1, 2, 3, 6, 7, 50].map(restartDelayMs), [0, 100, 200, 400, 3200, 5000, 5000])
})

t.test('a killed process is back at once, a held one only when it is started', async t => {
  const data = folder(t)
  const ofTheSupervisor = { BAZAAR_CACHE: 'off', ADMIN_TOKEN: 'secret' }
  t.intercept(process, 'env', { value: { ...process.env, ...ofTheSupervisor } })
  const { supervisor, notices } = supervise(t, data, [specOf(data, 'order-1')])
  supervisor.start()
  const order = supervisor.find('order-1')
  await eventually(t, 'it comes up', () => order.state === 'up')
  const first = order.pid

  await order.kill(false)
  await eventually(t, 'it comes up again', () => order.state === 'up' && order.pid !== first)
  t.match(notices[0], { type: 'died', name: 'order-1', how: 'was killed by SIGKILL', restartInMs: 0, lastWords: '' })
  await eventually(t, 'which is noticed', () => notices.some(({ type }) => type === 'up'))
  await order.kill(false)
  await eventually(t, 'and again', () => order.state === 'up')
  t.strictSame(
    notices.flatMap(notice => (notice.type === 'died' ? notice.restartInMs : [])),
    [0, 0],
    'however often it is killed',
  )

  const [, group] = /\) \S \d+ (\d+)/.exec(readFileSync(`/proc/${order.pid}/stat`, 'utf8')) ?? []
  t.equal(Number(group), order.pid, 'the Ctrl-C of a terminal is not for it')
  order.pause()
  await Promise.all([order.kill(true), order.kill(false)])
  t.equal(order.state, 'down')
  t.throws(() => order.pause(), { reason: 'WRONG_STATE', message: 'order-1 is down' })
  t.equal(await until(() => order.state !== 'down', 300), null, 'it stays down')
  order.start()
  t.equal(order.state, 'starting')
  t.throws(() => order.start(), { message: /is running/ })
  await eventually(t, 'until it is started', () => order.state === 'up')
  const log = readFileSync(join(data, 'logs', 'order-1.log'), 'utf8')
  const said = JSON.parse(log.split('\n')[0] ?? '')
  t.strictSame(said, { name: 'order-1', cwd: data, supervised: '1' }, 'it knows only what its spec says')
})

t.test('a paused process does not answer, and goes on when it is resumed', async t => {
  const data = folder(t)
  const { supervisor } = supervise(t, data, [specOf(data, 'order-1'), specOf(data, 'order-2')])
  supervisor.start()
  const order = supervisor.find('order-2')
  await eventually(t, 'all are up', () => supervisor.processes.every(({ state }) => state === 'up'))
  order.pause()
  t.throws(() => order.pause(), { reason: 'WRONG_STATE', message: /paused/ })
  t.notOk(await isWell(socketPath(data, 'order-2'), '/health', 200))
  const paused = await statusOf(data, supervisor.processes)
  t.match(paused, [
    { name: 'order-1', state: 'up', role: 'follower' },
    { state: 'paused', role: null, rssMiB: null },
  ])
  t.equal(leaderAmong(paused), null)
  const { resume } = localControl('http://127.0.0.1', data, supervisor)
  await t.rejects(resume('order-1'), { reason: 'WRONG_STATE', message: 'order-1 is not paused, but order-2' })
  t.throws(() => order.start(), { reason: 'WRONG_STATE', message: 'order-2 is paused: resume it, or kill it' })
  t.equal(await resume('order-2'), 'order-2')
  t.throws(() => order.resume(), { message: /is not paused/ })
  await t.rejects(resume('order-1'), { message: /order-1 is not paused$/ })
  await eventually(t, 'it answers', () => isWell(socketPath(data, 'order-2'), '/health', 200))
  const resumed = await statusOf(data, supervisor.processes)
  t.equal(leaderAmong(resumed), 'order-2')
  const newer = { ...resumed[0], name: 'order-3', role: 'leader', term: 5 } as (typeof resumed)[number]
  t.equal(leaderAmong([...resumed, newer]), 'order-3', 'the other does not know yet')
})

t.test('a crash loop slows down and says why', async t => {
  const data = folder(t)
  const spec = specOf(data, 'catalog-1', { STUB: 'crash' })
  const { supervisor, notices } = supervise(t, data, [spec])
  supervisor.start()
  await eventually(t, 'it dies three times', () => notices.length === 3)
  t.strictSame(
    notices.map(notice => notice.type === 'died' && notice.restartInMs),
    [0, 100, 200],
  )
  t.match(notices[2], { how: 'ended with status 3', lastWords: 'no such thing as luck', log: /catalog-1\.log$/ })
  const catalog = supervisor.find('catalog-1')
  await eventually(t, 'it waits', () => catalog.state === 'down')
  await t.rejects(catalog.kill(false), { reason: 'WRONG_STATE', message: 'catalog-1 is down' })
  await catalog.kill(true)
  t.equal(await until(() => catalog.state !== 'down', 500), null, 'it can be held down between two deaths')
  catalog.start()
  t.equal(catalog.lastWords, 'no such thing as luck', 'until the next says something')
  await eventually(t, 'it waits again', () => catalog.state === 'down')
  spec.env.STUB = ''
  catalog.start()
  const { pid } = catalog
  t.equal(await until(() => catalog.pid !== pid, 1000), null, 'what is started while it waits is not started twice')
})

t.test('a process that cannot be started for a while is started as soon as it can be', async t => {
  const data = folder(t)
  const { supervisor, notices } = supervise(t, data, [specOf(data, 'order-1')])
  supervisor.start()
  const order = supervisor.find('order-1')
  await eventually(t, 'it comes up', () => order.state === 'up')
  const aside = `${data}-aside`
  t.teardown(() => rmSync(aside, { recursive: true, force: true }))
  renameSync(data, aside)
  writeFileSync(data, 'not a folder to work in')
  await order.kill(false)
  await eventually(t, 'it is tried again', () => notices.length > 2)
  t.match(notices[1], { how: 'did not start', restartInMs: 100, lastWords: /^cannot start .*: spawn ENOTDIR$/ })
  rmSync(data)
  renameSync(aside, data)
  await eventually(t, 'it comes up again', () => order.state === 'up')
})

t.test('a supervisor with too many open files goes on, and starts what died once there are fewer', async t => {
  const data = folder(t)
  const script = join(data, 'supervise.ts')
  const source = (file: string) => JSON.stringify(new URL(`../src/${file}`, import.meta.url).href)
  writeFileSync(
    script,
    `import { closeSync, openSync } from 'node:fs'
     import { Supervisor } from ${source('supervisor.ts')}
     const files = []
     const takeAll = () => { try { for (;;) files.push(openSync('/dev/null')) } catch {} }
     const onNotice = ({ type, how }) => {
       console.log(how ?? type)
       if (how === 'did not start') for (const file of files.splice(0)) closeSync(file)
       else takeAll()
     }
     const specs = [${JSON.stringify(specOf(data, 'order-1'))}]
     const supervisor = new Supervisor(specs, { data: ${JSON.stringify(data)}, isHealthy: async () => true, onNotice })
     supervisor.start()
     setTimeout(() => process.kill(supervisor.processes[0].pid, 'SIGKILL'), 0)`,
  )
  const limited = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, script]
  const parent = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => parent.kill('SIGKILL'))
  let said = ''
  parent.stdout.on('data', chunk => {
    said += chunk
  })
  await eventually(t, 'it is up again, or all is over', () => said.endsWith('up\n') || parent.exitCode !== null)
  t.equal(said, 'was killed by SIGKILL\ndid not start\nup\n')
})

t.test('what waits for its restart when all is stopped does not come back', async t => {
  const data = folder(t)
  const { supervisor, notices } = supervise(t, data, [specOf(data, 'catalog-1', { STUB: 'crash' })])
  supervisor.start()
  await eventually(t, 'it waits for a while', () => notices.length === 4)
  await supervisor.stop()
  t.equal(await until(() => supervisor.find('catalog-1').state !== 'down', 800), null)
})

t.test('a process that was healthy for a while is restarted at once, however often it died before', async t => {
  const data = folder(t)
  const { supervisor, notices } = supervise(t, data, [specOf(data, 'order-1')])
  supervisor.start()
  const order = supervisor.find('order-1')
  const dies = async (times: number) => {
    await eventually(t, `it runs after ${times - 1} deaths`, () => order.pid !== null)
    process.kill(order.pid as number, 'SIGKILL')
    await eventually(t, `it dies ${times} times`, () => order.deaths === times)
  }
  await dies(1)
  await dies(2)
  await eventually(t, 'it is up again', () => order.state === 'up')
  const upAt = performance.now()
  await eventually(t, 'for a while', () => performance.now() - upAt >= healthyAfterMs)
  await dies(3)
  const delaysMs = notices.flatMap(notice => (notice.type === 'died' ? notice.restartInMs : []))
  t.strictSame(delaysMs, [0, 100, 0])
})

t.test('stop ends what ignores SIGTERM and what is paused', async t => {
  const data = folder(t)
  const specs = [specOf(data, 'order-1', { STUB: 'stubborn' }), specOf(data, 'frontend-1')]
  const { supervisor } = supervise(t, data, specs)
  supervisor.start()
  await eventually(t, 'all are up', () => supervisor.processes.every(({ state }) => state === 'up'))
  const pids = supervisor.processes.map(({ pid }) => pid ?? 0)
  supervisor.find('frontend-1').pause()
  await supervisor.stop()
  t.notOk(pids.some(isAlive))
  t.match(readFileSync(join(data, 'logs', 'frontend-1.log'), 'utf8'), 'asked to end', 'what was paused in order')
})

t.test('what is stopped at once is not asked, and does not come back', async t => {
  const data = folder(t)
  const specs = [specOf(data, 'order-1', { STUB: 'stubborn' }), specOf(data, 'catalog-1', { STUB: 'crash' })]
  const { supervisor, notices } = supervise(t, data, specs)
  supervisor.start()
  const order = supervisor.find('order-1')
  await eventually(t, 'one is up, one waits', () => order.state === 'up' && notices.length > 3)
  await eventually(t, 'for its restart', () => supervisor.find('catalog-1').state === 'down')
  supervisor.forceStop()
  await eventually(t, 'all are gone', () => order.state === 'down')
  t.equal(await until(() => supervisor.processes.some(({ state }) => state !== 'down'), 800), null)
})

t.test('what is killed or started while all is stopped does not come back', async t => {
  const data = folder(t)
  const { supervisor, notices } = supervise(t, data, [
    specOf(data, 'order-1', { STUB: 'stubborn' }),
    specOf(data, 'order-2'),
  ])
  supervisor.start()
  await eventually(t, 'all are up', () => supervisor.processes.every(({ state }) => state === 'up'))
  const stopped = supervisor.stop()
  await eventually(t, 'one has stopped', () => supervisor.find('order-2').state === 'down')
  t.throws(() => supervisor.find('order-2').start(), { reason: 'WRONG_STATE', message: /the shop closes$/ })
  await supervisor.find('order-1').kill(false)
  await stopped
  t.ok(supervisor.processes.every(({ state }) => state === 'down'))
  t.strictSame(notices, [], 'nobody is told that anything died')
})

t.test('who waits for a start or a leader is told when there will be none, and keeps nobody from ending', async t => {
  const data = folder(t)
  const { supervisor } = supervise(t, data, [specOf(data, 'order-1'), specOf(data, 'catalog-1')])
  const control = localControl('http://127.0.0.1', data, supervisor)
  const timers = () => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
  const timersBefore = timers()
  t.equal(await control.start('catalog-1'), 'catalog-1')
  const stopped = { reason: 'WRONG_STATE', message: 'order-1 was stopped before it answered' }
  const refusedStart = t.rejects(control.start('order-1'), stopped)
  await control.pause('order-1')
  await control.kill('order-1', { hold: true })
  const nobody = { reason: 'NO_LEADER', message: 'nobody leads: the shop closes' }
  const refusedKill = t.rejects(control.kill('leader'), nobody)
  await supervisor.stop()
  t.ok(await until(() => timers() === timersBefore, 4000), 'long before any time-out')
  await Promise.all([refusedStart, refusedKill])
})

t.test('the door is closed before what is behind it', async t => {
  const data = folder(t)
  const specs = [specOf(data, 'order-1'), specOf(data, 'frontend-1', { STUB: 'stubborn' })]
  const { supervisor } = supervise(t, data, specs)
  supervisor.start()
  await eventually(t, 'all are up', () => supervisor.processes.every(({ state }) => state === 'up'))
  const stopped = supervisor.stop()
  t.equal(await until(() => supervisor.find('order-1').state === 'down', 300), null, 'requests may be under way')
  await supervisor.find('frontend-1').kill(false)
  await stopped
})

t.test('nothing outlives a supervisor that was killed, not even a paused process', async t => {
  const data = folder(t)
  const script = join(data, 'supervise.ts')
  const source = (file: string) => JSON.stringify(new URL(`../src/${file}`, import.meta.url).href)
  writeFileSync(
    script,
    `import { Supervisor } from ${source('supervisor.ts')}
     const specs = ${JSON.stringify([specOf(data, 'order-1'), specOf(data, 'order-2')])}
     const healthy = new Set()
     const isHealthy = async name => { healthy.add(name); return true }
     const supervisor = new Supervisor(specs, { data: ${JSON.stringify(data)}, isHealthy, onNotice() {} })
     supervisor.start()
     setInterval(() => {
       if (!supervisor.processes.every(({ state }) => state === 'up')) return
       supervisor.find('order-2').pause()
       console.log(JSON.stringify(supervisor.processes.map(({ pid }) => pid)))
     }, 300)`,
  )
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(parent.stdout, 'data')
  const pids = JSON.parse(String(line)) as number[]
  t.ok(pids.length === 2 && pids.every(isAlive))
  parent.kill('SIGKILL')
  await eventually(t, 'all are gone', () => !pids.some(isAlive))
})

t.test('a log starts anew when it is full and keeps one predecessor', async t => {
  const path = join(folder(t), 'order-1.log')
  const earlier = new LogFile(path)
  earlier.write(Buffer.alloc(logBytesMax - 1, 'a'))
  earlier.close()
  const log = new LogFile(path)
  log.write(Buffer.from('b\n\n'))
  t.equal(readFileSync(path, 'utf8'), 'b\n\n')
  t.equal(log.lastWords, 'b')
  log.write(
    Buffer.from('node:internal/loader:1\n\nError: no module x\n    at y (z)\n  code: 1\n}\n\nNode.js v24.0.0\n'),
  )
  log.write(Buffer.from('\nNode.js v24.0.0\n'))
  t.equal(log.lastWords, 'Error: no module x')
  const logged = (line: object) => log.write(Buffer.from(`${JSON.stringify(line)}\n`))
  logged({ level: 60, name: 'order-1', msg: 'cannot go on: Error: fdatasync: EIO\n    at a (b)' })
  logged({ level: 30, name: 'order-1', msg: 'nothing wrong' })
  t.equal(log.lastWords, 'cannot go on: Error: fdatasync: EIO', 'a service logs JSON')
  logged({ level: 40, msg: 'a warning' })
  t.equal(log.lastWords, 'a warning')
  log.write(Buffer.from(`Error: first\nUncaught Error: ${'x'.repeat(600)}\nand so on\n`))
  t.equal(log.lastWords, `Uncaught Error: ${'x'.repeat(484)}`, 'the last error, shortened')
  logged({ level: 60, err: { type: 'RangeError', message: 'too far', stack: 'RangeError: too far' }, msg: 'too far' })
  t.equal(log.lastWords, 'RangeError: too far')
  for (const piece of ['{"level":60,"msg":"in two', ' pieces"}\n{"level":30,"msg":"x"}\n'])
    log.write(Buffer.from(piece))
  t.equal(log.lastWords, 'in two pieces')
  for (const piece of [`{"level":60,"msg":"${'x'.repeat(65_536)}`, '"}\n']) log.write(Buffer.from(piece))
  t.equal(log.lastWords, '"}', 'a line without an end is not waited for')
  log.forgetLastWords()
  logged({ level: 30, msg: 'listening' })
  t.equal(log.lastWords, '', 'what an earlier one said is no reason of the next')
  log.write(Buffer.from('{"level":60,"msg":"cut o'))
  log.forgetLastWords()
  log.write(Buffer.from('Error: of the next\n'))
  t.equal(log.lastWords, 'Error: of the next', 'nor the beginning of its first line')
  t.equal(readFileSync(`${path}.1`).length, logBytesMax - 1)
  t.equal(statSync(path).mode & 0o777, 0o600)
  log.close()
  const next = openSync(`${path}.next`, 'a')
  log.write(Buffer.from('too late'))
  closeSync(next)
  t.equal(readFileSync(`${path}.next`, 'utf8'), '', 'what comes late is not written to whatever was opened since')
})

t.test('a full disk costs lines of the log and nothing else', { skip: !existsSync('/dev/full') }, async t => {
  const log = new LogFile('/dev/full')
  log.write(Buffer.from('Error: no room\n'))
  t.equal(log.lastWords, 'Error: no room')
  log.close()
})

t.test('a log that somebody removed is there again once it would have been full', async t => {
  const path = join(folder(t), 'order-1.log')
  const log = new LogFile(path)
  t.teardown(() => log.close())
  log.write(Buffer.alloc(logBytesMax, 'a'))
  rmSync(path)
  const filesBefore = readdirSync('/proc/self/fd').length
  log.write(Buffer.from('b\n'))
  t.equal(readFileSync(path, 'utf8'), 'b\n')
  t.equal(readdirSync('/proc/self/fd').length, filesBefore, 'the full one is closed')
})

t.test('the control socket', async t => {
  const data = folder(t)
  const calls: unknown[] = []
  const control: Control = {
    status: async () => ({ url: 'http://x', data, leader: null, processes: [] }),
    kill: async (name, options) => {
      calls.push(['kill', name, options])
      return name
    },
    pause: async name => {
      calls.push(['pause', name])
      return name
    },
    resume: async name => supervise(t, data, [specOf(data, 'order-1')]).supervisor.find(name).name,
    start: async () => {
      throw new Error('boom')
    },
  }
  const client = connectCluster(data)
  await t.rejects(client.status(), { reason: 'NOT_RUNNING', message: /nothing runs on/ })
  const server = await openControl(data)
  t.equal(statSync(socketPath(data, 'supervisor')).mode & 0o777, 0o600)
  await t.rejects(client.status(), { reason: 'NOT_RUNNING', message: /about to start/ })
  server.serve(control)

  t.strictSame(await client.status(), { url: 'http://x', data, leader: null, processes: [] })
  t.equal(await client.kill('leader', { hold: true }), 'leader')
  await client.kill('order-1')
  await client.pause('a/b ?')
  t.strictSame(calls, [
    ['kill', 'leader', { hold: true }],
    ['kill', 'order-1', { hold: false }],
    ['pause', 'a/b ?'],
  ])
  await t.rejects(client.resume('order-9'), { reason: 'UNKNOWN_PROCESS', message: /it is one of leader, order-1/ })
  const unforeseen = await client.start('order-1').catch((error: Error) => error)
  t.match(unforeseen, { name: 'Error', message: /answered 500 to POST \/processes\/order-1\/start and said: boom$/ })
  const path = socketPath(data, 'supervisor')
  const malformed = await ask(path, '/processes/%/kill', { method: 'POST', timeoutMs: 1000 })
  t.match(malformed, { status: 404, body: { error: { code: 404, reason: 'UNKNOWN_PROCESS', message: /called "%"$/ } } })

  for (const [method, route] of [
    ['GET', '/processes/order-1/kill'],
    ['POST', '/processes/order-1/status'],
    ['POST', '/status'],
    ['GET', '//'],
  ] as const) {
    const refused = { status: 404, body: { error: { code: 404, reason: 'ROUTE_NOT_FOUND', message: `no ${route}` } } }
    t.match(await ask(path, route, { method, timeoutMs: 1000 }), refused, `${method} ${route}`)
  }
  t.equal(calls.length, 3, 'which does nothing')

  await t.rejects(openControl(data), { reason: 'ALREADY_RUNNING', message: /a cluster runs on/ })
  t.ok(await client.status(), 'the first is still there')
  const halfway = connect(path)
  halfway.write('GET /sta')
  await once(halfway, 'ready')
  await client.status()
  await server.close()
  await once(halfway, 'close')

  const deaf = createServer(connection => connection.destroy()).listen(`${path}.old`)
  await once(deaf, 'listening')
  linkSync(`${path}.old`, path)
  await t.rejects(client.status(), { name: 'ConnectionError' }, 'somebody is there')
  deaf.close()
  await once(deaf, 'close')
  await t.rejects(client.status(), { reason: 'NOT_RUNNING', message: /nothing runs on/ }, 'a dead one left it behind')
  await (await openControl(data)).close()
  t.notOk(existsSync(path), 'what it left is replaced')
})

t.test('a cluster that has a long log to read has longer to get ready', async t => {
  const data = folder(t)
  t.equal(readyTimeoutOf(data, ['order-1', 'order-2']), 30_000)
  mkdirSync(join(data, 'order-2'))
  writeFileSync(join(data, 'order-2', 'log.jsonl'), '')
  truncateSync(join(data, 'order-2', 'log.jsonl'), 1400 * 2 ** 20)
  t.equal(readyTimeoutOf(data, ['order-1', 'order-2', 'catalog-1']), 310_000)
})

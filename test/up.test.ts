import { type ChildProcessByStdio, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Order } from '@bazaar/client'
import type { ClusterStatus } from '@bazaar/cluster'
import t, { type Test } from 'tap'
import { eventually } from './patience.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** As a person calls it: through a link, from another folder, which has a space in its name. */
const folder = mkdtempSync(join(tmpdir(), 'bazaar up '))
const bazaar = join(folder, 'bazaar')
symlinkSync(join(root, 'bin/bazaar'), bazaar)
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const env = { ...process.env, ADMIN_TOKEN: '', NODE_OPTIONS: '' }
const run = promisify(execFile)

/** Runs a command that ends by itself. */
async function ends(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return run(bazaar, args, { cwd: folder, env }).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }),
  )
}

class Up {
  readonly lines: string[] = []
  readonly exit: Promise<[number | null, NodeJS.Signals | null]>
  readonly #child: ChildProcessByStdio<null, Readable, null>

  constructor(t: Test, ...args: string[]) {
    this.#child = spawn(bazaar, ['up', '--port', '0', ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.exit = once(this.#child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    createInterface({ input: this.#child.stdout }).on('line', line => this.lines.push(line))
    t.teardown(() => this.#child.kill('SIGTERM'))
  }

  async url(): Promise<string> {
    const ready = () => this.lines.find(line => line.startsWith('ready '))
    await eventually('ready, or an end', () => ready() !== undefined || this.#child.exitCode !== null)
    return ready()?.slice('ready '.length) ?? Promise.reject(new Error(`up ended with ${this.#child.exitCode}`))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  interrupt(signal: NodeJS.Signals = 'SIGINT'): void {
    this.#child.kill(signal)
  }
}

async function json<T>(url: string, body?: unknown): Promise<T> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, body === undefined ? {} : init)
  return (await response.json()) as T
}

async function statusOf(): Promise<ClusterStatus> {
  return JSON.parse((await ends('status', '--json')).stdout)
}

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0)
  } catch {
    return false
  }
}

t.test('what was bought is there after a new start, on a copy too, and a stop leaves no process behind', async t => {
  const first = new Up(t)
  const url = await first.url()
  const { data: order } = await json<{ data: Order }>(`${url}/orders`, { name: 'Tux', quantity: 1, type: 'buy' })
  t.match(order, { number: 1, name: 'Tux', type: 'buy', quantity: 1 })
  const { processes } = await statusOf()
  t.ok(processes.length === 5 && processes.every(({ pid, state }) => state === 'up' && isAlive(pid)))
  t.match(readFileSync(`/proc/${first.pid}/status`, 'latin1'), /^Umask:\t0077$/m, 'what it makes is its user’s alone')
  first.interrupt()
  t.strictSame(await first.exit, [0, null])
  t.strictSame(
    processes.filter(({ pid }) => isAlive(pid)),
    [],
  )
  t.match(await ends('status'), { status: 1, stderr: /nothing runs on .*data; start it with: bazaar up/ })

  cpSync(join(folder, 'data'), join(folder, 'copy'), { recursive: true })
  for (const data of ['data', 'copy']) {
    const again = new Up(t, '--data', data)
    t.match(await json(`${await again.url()}/orders/1`), { data: { number: 1, name: 'Tux' } })
    t.match(await json(`${await again.url()}/orders`, { name: 'Tux', quantity: 1 }), { data: { number: 2 } }, data)
    again.interrupt('SIGTERM')
    t.strictSame(await again.exit, [0, null])
  }
})

const noTerminal = spawnSync('script', ['--version']).status === 0 ? false : 'there is no script of util-linux'

t.test('a terminal that is held, as by Ctrl-S, does not hold up the shop', { skip: noTerminal }, async t => {
  const typescript = ['-qec', `'${bazaar}' up --port 0`, '/dev/null']
  const terminal = spawn('script', typescript, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => terminal.kill('SIGTERM'))
  let shown = ''
  terminal.stdout.on('data', chunk => {
    shown += chunk
  })
  await eventually('all is said', () => shown.includes('stop:'))
  const pidOfCatalog = async () => {
    const catalog = (await statusOf()).processes.find(({ name }) => name === 'catalog-1')
    return catalog?.state === 'up' ? catalog.pid : null
  }
  await eventually('all are up', async () => (await pidOfCatalog()) !== null)
  const before = await pidOfCatalog()
  terminal.stdin.write('\x13')
  t.match(await ends('kill', 'catalog-1'), { status: 0 })
  await eventually('what was killed is back', async () => ![null, before].includes(await pidOfCatalog()))
  t.notMatch(shown, /catalog-1 was killed/, 'of which nothing was shown')
  terminal.stdin.write('\x03')
  await eventually('Ctrl-C stops it all the same', () => terminal.exitCode !== null)
  t.match(shown, /stopped/)
  t.match(shown, /catalog-1 was killed/, 'and shows what was held')
})

t.test('a shop that was started with nohup outlives its terminal', async t => {
  const child = spawn('nohup', [bazaar, 'up', '--port', '0'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => child.kill('SIGTERM'))
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  await eventually('all is said', () => said.includes('stop:'))
  child.kill('SIGHUP')
  const { processes } = await statusOf()
  t.ok(processes.length === 5 && processes.every(({ pid }) => isAlive(pid)))
  child.kill('SIGINT')
  await eventually('it ends', () => child.exitCode !== null)
  t.match(said, /stopping; once more to stop at once\nstopped\n$/, 'once it is told to')
})

t.test('the curl line that up prints buys something, and so do the commands of the README', async t => {
  const up = new Up(t)
  const url = await up.url()
  await eventually('all is said', () => up.lines.some(line => line.includes('stop:')))
  const printed = up.lines.find(line => line.includes('curl'))?.replace(/.*(?=curl)/, '') ?? ''
  t.match(JSON.parse((await run('sh', ['-c', printed])).stdout), { data: { quantity: 1 } })

  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const fenced = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, text = '']) => text.trim().split('\n'))
  t.ok(fenced.length >= 6, 'the README has commands')
  for (const line of fenced) {
    const command = line
      .replace('http://127.0.0.1:8080', url)
      .replace('./bin/bazaar', JSON.stringify(bazaar))
      // These would run for long, for ever, or in AWS: it is enough that they exist.
      .replace(/ (up|test|deploy|deploy destroy) +(?=#)/, ' $1 --help ')
    const { stdout } = await run('sh', ['-c', command], { cwd: folder, env })
    t.ok(stdout.length > 0, line)
    if (line.startsWith('curl')) t.match(JSON.parse(stdout), { data: { name: /./ } })
  }
  const routes = [...readme.matchAll(/`(GET|PUT|POST) (\/[\w:/]*)`(?: `(.*?)`)?/g)]
  t.ok(routes.length >= 9, 'and what may be asked')
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${readFileSync(join(folder, 'data/admin-token'), 'utf8').trim()}`,
  }
  for (const [asked, method = '', path = '', body = null] of routes) {
    const place = url + path.replace(':name', 'Tux').replace(':number', '1')
    const answer = await fetch(place, { method, headers: body === null ? {} : headers, body })
    t.equal(answer.status, 200, asked)
    await answer.body?.cancel()
  }
  await eventually('the leader that the README kills is told about', () =>
    up.lines.some(line => line.includes('SIGKILL')),
  )
  const held = (await ends('kill', 'catalog-1', '--hold')).stdout
  const hint = /until: bazaar (.+)/.exec(held)?.[1] ?? ''
  const followed = await run('sh', ['-c', `${JSON.stringify(bazaar)} ${hint}`], { cwd: '/', env })
  t.match(followed.stdout, 'catalog-1 started', 'in whatever folder, whatever its name')
  const mentioned = [...readme.matchAll(/`\.\/bin\/bazaar (\w+)`/g)].map(([, name = '']) => name)
  for (const name of mentioned) {
    const { status, stdout } = await ends(name, '--help')
    t.equal(status, 0, `bazaar ${name} --help`)
    t.strictSame(
      stdout.split('\n').filter(line => line.length > 80),
      [],
      'it fits a terminal',
    )
  }
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link)
  const broken = links.filter(link => !existsSync(join(root, link)))
  t.strictSame(broken, [], `${links.length} links lead somewhere`)
  up.interrupt()
  await up.exit
})

t.test('what cannot work is refused before anything starts, with a reason', async t => {
  const up = new Up(t)
  const { port } = new URL(await up.url())
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address() as { port: number }
  writeFileSync(join(folder, 'file'), '')
  writeFileSync(join(folder, 'products.json'), '[{"name":"Tux"}]')

  const refusals: [string[], number, RegExp][] = [
    [['up', '--port', port], 1, /a cluster runs on .*data already/],
    [['up', '--port', port, '--data', 'other'], 1, /port is in use/],
    [['up', '--port', String(address.port), '--data', 'other'], 1, /port is in use/],
    [['up', '--port', '0', '--data', 'file/data'], 1, /cannot write to the data folder .*file\/data/],
    [
      ['up', '--port', '0', '--data', 'other', '--products', 'none.json'],
      1,
      /cannot read the products of .*none\.json/,
    ],
    [['up', '--port', '0', '--data', 'other', '--products', 'products.json'], 1, /catalog-1 keeps dying.*price/],
    [['up', '--prot', '0'], 2, /Unknown option '--prot'/],
    [['up', '--replicas', '2'], 2, /must be odd/],
    [['up', '--replicas', '5'], 2, /--replicas must stay 3, .* got 5$/m],
    [['up', '--port', 'no', '--data', 'none'], 2, /--port must be an integer/],
    [['up', '--data', ''], 2, /--data must be a folder/],
    [['up', '--port', '0', '--data', 'file'], 1, /cannot write to the data folder .*file: it is not a folder\n$/],
    [['kill', 'order-9'], 2, /it is one of leader, order-1/],
    [['kill', ''], 2, /it is one of leader, order-1/],
    [['status', '--data', 'file'], 1, /nothing runs on .*file/],
    [['resume', 'order-1'], 1, /order-1 is not paused/],
    [['sell'], 2, /no command "sell"/],
  ]
  for (const [args, status, reason] of refusals)
    t.match(await ends(...args), { status, stderr: reason }, args.join(' '))
  t.equal((await statusOf()).processes.filter(({ state }) => state === 'up').length, 5, 'the shop was not disturbed')
  t.notOk(existsSync(join(folder, 'none')), 'wrong usage makes no folder')
  t.equal(statSync(join(folder, 'data/supervisor.sock')).mode & 0o777, 0o600)
  up.interrupt()
  await up.exit
})

t.test('the data folder is its user’s alone, and of use to them, whatever the umask was', async t => {
  const up = spawn('sh', ['-c', `umask 0777; exec '${bazaar}' up --port 0 --data new/data`], { cwd: folder, env })
  t.teardown(() => up.kill('SIGTERM'))
  const exit = once(up, 'exit')
  await eventually('it says something', () => up.stdout.read() ?? up.stderr.read())
  for (const path of ['new', 'new/data']) t.equal(statSync(join(folder, path)).mode & 0o777, 0o700, path)
  up.kill('SIGINT')
  t.strictSame(await exit, [0, null])
})

t.test('Ctrl-C while it starts gives the start up', async t => {
  const up = new Up(t)
  await eventually('it starts', () => up.lines.length > 0)
  up.interrupt()
  t.strictSame(await up.exit, [0, null])
  await eventually('all is said', () => up.lines.length > 1)
  t.match(up.lines, [/^starting /, /^stopped$/], 'nothing about a shop that opens')
  t.match(await ends('status'), { status: 1, stderr: /nothing runs on / })
})

t.test('a second Ctrl-C does not wait', async t => {
  const up = new Up(t)
  await up.url()
  const { processes } = await statusOf()
  await ends('pause', 'order-1')
  up.interrupt()
  await eventually('it is stopping', () => up.lines.some(line => line.startsWith('stopping')))
  up.interrupt()
  t.strictSame(await up.exit, [0, null], 'all is well all the same')
  await eventually('all are gone', () => !processes.some(({ pid }) => isAlive(pid)))
})

const python = ['python3', 'python'].find(name => spawnSync(name, ['-c', 'f"{1}"']).status === 0)
const skip = python === undefined ? 'there is no Python 3' : false

t.test('clients of the course run against it unchanged', { skip }, async t => {
  const up = new Up(t, '--restock', 'off')
  const { hostname, port, origin } = new URL(await up.url())
  const client = (name: string, ...args: string[]) =>
    run(python as string, [join(root, 'test/compat', name), ...args], { env })
  t.match(await client('stocks_client.py', hostname, port), { stdout: /^\d+ trades verified/ })
  t.match(await client('products_client.py', origin), { stdout: '5 orders verified' })
  up.interrupt()
  await up.exit
})

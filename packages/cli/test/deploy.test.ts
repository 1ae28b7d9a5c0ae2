import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adminTokenOf, defaultSettings, topology } from '@bazaar/cluster'
import { runCommand } from 'citty'
import t, { type Test } from 'tap'
import { checkCommand } from '../src/deploy-check.ts'
import { unitFiles } from '../src/deploy-unit-files.ts'
import { unitsCommand } from '../src/deploy-units.ts'

const data = '/var/lib/bazaar'
const options = { data, user: 'bazaar', node: '/opt/node', folder: '/etc/systemd/system' }

/** Runs `deploy check` on a shop that answers as told; gives its exit status and what it said. */
async function check(t: Test, answer: (route: string) => { status?: number; body: object }, wait: string) {
  const server = createServer((request, response) => {
    const { status = 200, body } = answer(`${request.method} ${request.url}`)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const said: string[] = []
  const restores = (['log', 'error'] as const).map(method =>
    t.intercept(console, method, { value: (line: string) => said.push(line) }),
  )
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await runCommand(checkCommand, { rawArgs: ['--url', url, '--wait', wait] })
  for (const { restore } of restores) restore()
  const status = process.exitCode
  process.exitCode = 0
  return { status, said: said.join('\n') }
}

const textOf = (files: readonly { name: string; text: string }[], name: string): string =>
  files.find(file => file.name === name)?.text ?? ''

t.test('every process of the topology has a unit that restarts it, and the target wants them all', async t => {
  const processes = topology({ ...defaultSettings, replicas: 5 }, data)
  const files = unitFiles(processes, options)
  const units = processes.map(({ name }) => `bazaar-${name}.service`)
  t.same(files.map(({ name }) => name).sort(), ['bazaar.target', ...units].sort())
  t.match(textOf(files, 'bazaar.target'), `Wants=${units.join(' ')}`)
  for (const { name, entry, env } of processes) {
    const text = textOf(files, `bazaar-${name}.service`)
    t.match(text, `ExecStart=/opt/node ${entry}\n`)
    t.match(text, `\nRestart=always\n`)
    t.match(text, '\nUser=bazaar\n')
    t.match(text, `\nReadWritePaths=${data}\n`)
    t.match(text, `\nConditionPathIsMountPoint=${data}\n`)
    for (const [key, value] of Object.entries(env)) if (value !== '') t.match(text, `\nEnvironment="${key}=${value}"\n`)
  }
})

t.test('only the front-end has a network, and only a low port takes a capability', async t => {
  const unit = (port: number, name: string) =>
    textOf(unitFiles(topology({ ...defaultSettings, port }, data), options), `bazaar-${name}.service`)
  t.match(unit(80, 'order-1'), '\nPrivateNetwork=yes\n')
  t.notMatch(unit(80, 'frontend-1'), 'PrivateNetwork')
  t.match(unit(80, 'frontend-1'), '\nIPAddressDeny=169.254.169.254\n', 'the credentials of the machine')
  t.match(unit(80, 'frontend-1'), '\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n')
  t.match(unit(8080, 'frontend-1'), '\nAmbientCapabilities=\n')
})

t.test('the admin token is in a file that only root may read', async t => {
  const files = unitFiles(topology({ ...defaultSettings, adminToken: 'secret-token' }, data), options)
  const holders = files.filter(({ text }) => text.includes('secret-token'))
  t.match(holders, [{ name: 'bazaar-frontend-1.env', mode: 0o600, text: 'ADMIN_TOKEN=secret-token\n' }])
  t.equal(holders.length, 1)
  t.match(textOf(files, 'bazaar-frontend-1.service'), '\nEnvironmentFile=/etc/systemd/system/bazaar-frontend-1.env\n')
})

t.test('units are written once, and a change of one setting restarts only whom it concerns', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-units-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [to, own] = [join(folder, 'units'), join(folder, 'data')]
  for (const path of [to, own]) mkdirSync(path)
  const changed = async (...words: string[]): Promise<string[]> => {
    const lines: string[] = []
    const restore = t.intercept(console, 'log', { value: (line: string) => lines.push(line) })
    await runCommand(unitsCommand, { rawArgs: ['--to', to, '--data', own, ...words] })
    restore.restore()
    return lines
  }
  t.equal((await changed()).length, 6)
  t.same(await changed(), [])
  t.same(await changed('--cache', '5'), ['bazaar-frontend-1.service'])
  const secrets = join(to, 'bazaar-frontend-1.env')
  t.equal(statSync(secrets).mode & 0o777, 0o600)
  t.equal(readFileSync(secrets, 'utf8'), `ADMIN_TOKEN=${adminTokenOf(own)}\n`)
  const notes = [
    '{damaged',
    '{"term":1,"replicas":7,"replicasCrc":"1ad5be0d"}',
    '{"replicas":3,"replicasCrc":"6dd28e9b"}',
  ]
  for (const [number, state] of notes.entries()) {
    mkdirSync(join(own, `order-${number + 1}`))
    writeFileSync(join(own, `order-${number + 1}`, 'state.json'), state)
  }
  const before = readdirSync(to)
  await t.rejects(changed('--replicas', '5'), { message: /--replicas must stay 3, .* got 5$/ })
  rmSync(join(own, 'order-3'), { recursive: true })
  await t.rejects(changed('--replicas', '1'), { message: /--replicas must stay 3, .* got 1$/ }, 'of before the note')
  t.same(readdirSync(to), before)
})

t.test('a shop that is sold out for a moment is waited for, within the time that there is', async t => {
  const order = { number: 1, name: 'Tux', type: 'buy', quantity: 1, price: 25 }
  const soldOut = { status: 409, body: { error: { code: 409, reason: 'OUT_OF_STOCK', message: 'none left' } } }
  const notFound = { error: { code: 404, reason: 'ORDER_NOT_FOUND', message: 'no order 1' } }
  // First there is nothing; then somebody else is faster; then one is left for the check.
  const stock = [0, 1, 1]
  const orders = [soldOut, { status: 201, body: { data: order } }]
  const restocked = await check(
    t,
    route => {
      if (route === 'GET /products') return { body: { data: [{ name: 'Tux', price: 25, quantity: stock.shift() }] } }
      return route === 'POST /orders' ? (orders.shift() ?? soldOut) : { body: { data: order } }
    },
    '20s',
  )
  t.same(restocked, { status: 0, said: 'order 1: one Tux for 25, and it reads back' })
  for (const quantity of [1, 2]) {
    const forgetful = await check(
      t,
      route => {
        if (route === 'GET /products') return { body: { data: [{ name: 'Tux', price: 25, quantity: 9 }] } }
        if (route === 'GET /orders/1' && quantity === 1) return { status: 404, body: notFound }
        return { body: { data: route === 'POST /orders' ? order : { ...order, quantity } } }
      },
      '20s',
    )
    t.match(forgetful, { status: 1, said: /order 1 reads back as (null|\{.*"quantity":2.*\}), not \{/ })
  }
  const empty = await check(t, () => ({ body: { data: [] } }), '300ms')
  t.match(empty, { status: 1, said: /nothing in stock after 0\.3 s \(GET http:\S+\/products\)$/ })
})

t.test('help needs neither the tools for AWS nor a deployment, whichever command it is asked of', async t => {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  for (const words of [['--help'], ['bench', '--help'], ['bench', '--clients', '9', '-h'], ['destroy', '-h']]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'deploy', ...words], { encoding: 'utf8' })
    t.match({ status, stdout, stderr }, { status: 0, stdout: /^Usage: bazaar deploy /m, stderr: /^$/ }, words.join(' '))
  }
})

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminTokenOf, defaultSettings, topology } from '@bazaar/cluster'
import { runCommand } from 'citty'
import t from 'tap'
import { unitFiles } from '../src/deploy-unit-files.ts'
import { unitsCommand } from '../src/deploy-units.ts'

const data = '/var/lib/bazaar'
const options = { data, user: 'bazaar', node: '/opt/node', folder: '/etc/systemd/system' }

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
    t.match(text, `\nConditionPathIsMountPoint=${data}\n`)
    for (const [key, value] of Object.entries(env)) if (value !== '') t.match(text, `\nEnvironment="${key}=${value}"\n`)
  }
})

t.test('only the front-end has a network, and only a low port takes a capability', async t => {
  const unit = (port: number, name: string) =>
    textOf(unitFiles(topology({ ...defaultSettings, port }, data), options), `bazaar-${name}.service`)
  t.match(unit(80, 'order-1'), '\nPrivateNetwork=yes\n')
  t.notMatch(unit(80, 'frontend-1'), 'PrivateNetwork')
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

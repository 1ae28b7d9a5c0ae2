import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { baseSystem, cache } from './deploy/base-system.ts'
import { cloudUrl } from './deploy/cloud-address.ts'
import { Machine, type Signal, signalUrl } from './deploy/machine.ts'
import { Repository } from './deploy/repository.ts'
import { missing } from './deploy/run.ts'
import { synthesise, userDataOf, whyNoTemplate } from './deploy/template.ts'

/** A first boot whose packages are at hand takes at most so long, from power-on to the signal. */
const firstBootMs = 90_000
const bootMs = 120_000
const restartMs = 3_000
const processes = ['order-1', 'order-2', 'order-3', 'catalog-1', 'frontend-1']
const orders = 10_000
const memoryMaxMiB = 600
const port = 80
const shop = `http://127.0.0.1:${port}`

/** What an order's answer has beside the order, under its older names. */
interface Order {
  number: number
  order_number?: number
  transaction_number?: number
}

// The first time, a system is put together: a minute for downloads, a minute for the rest.
t.setTimeout(390_000)
const skip = whyNotHere()
const base = skip ?? (await baseSystem().catch((error: Error) => `no system to start from: ${error.message}`))
if (typeof base === 'string') {
  t.pass('a deployed machine', { skip: base.split('\n')[0] ?? '' })
} else {
  const folder = mkdtempSync(join(cache, 'machine-'))
  const repository = new Repository(join(folder, 'repository'))
  const machine = new Machine(folder, base, repository.folder)
  t.teardown(() => machine.destroy())
  await repository.create()
  await machine.create()

  /** The user-data of a deployment of this commit, out of its template. */
  const userData = async (commit: string): Promise<string> => {
    const context = { repository: 'file:///srv/bazaar', commit, registry: cloudUrl, port: String(port) }
    return userDataOf(await synthesise(context, join(folder, 'cdk.out')), signalUrl)
  }
  const get = async (path: string) => JSON.parse(await machine.beside('curl', '-sS', '--max-time', '15', shop + path))
  const getOrder = async (number: number): Promise<Order> => (await get(`/orders/${number}`)).data
  const buy = async (): Promise<Order> => {
    const body = JSON.stringify({ name: 'Whale', quantity: 1 })
    const post = ['-H', 'content-type: application/json', '-d', body, `${shop}/orders`]
    const answer = JSON.parse(await machine.beside('curl', '-sS', '--fail-with-body', '--max-time', '15', ...post))
    const { order_number, transaction_number, ...order } = answer.data as Order
    return order
  }
  const property = async (process: string, name: string): Promise<string> =>
    (await machine.inside('systemctl', 'show', '--value', `--property=${name}`, `bazaar-${process}`)).trim()
  const sells = (commit: string) => ({ Status: 'SUCCESS', Reason: `commit ${commit} sells` })

  /** Each step builds on those before it. */
  const step = (name: string, scenario: (t: Test) => Promise<void>) =>
    t.test(name, t.passing() ? {} : { skip: 'a step before it failed' }, scenario)

  const first = await repository.head()
  const bought: Order[] = []
  const keptOrders = async () => Promise.all(bought.map(({ number }) => getOrder(number)))

  await step('a blank machine sells within 90 s of its first boot and says so', async t => {
    const script = await userData(first)
    const began = performance.now()
    const signal = await machine.boot(script, bootMs)
    const tookMs = performance.now() - began
    t.match(signal, sells(first))
    t.comment(`first boot: ${(tookMs / 1000).toFixed(1)} s`)
    t.ok(tookMs < firstBootMs, `took ${tookMs} ms`)
    bought.push(await getOrder(1), await buy())
  })

  await step('every process runs as a user of its own, with no capability but the one its port needs', async t => {
    for (const process of processes) {
      t.equal(await property(process, 'ActiveState'), 'active', process)
      const status = await machine.inside('cat', `/proc/${await property(process, 'MainPID')}/status`)
      t.match(status, /^NoNewPrivs:\t1$/m, process)
      t.match(status, /^Seccomp:\t2$/m, process)
      t.notMatch(status, /^Uid:\t0\t/m, process)
      const bindService = '0000000000000400'
      const expected = process === 'frontend-1' ? bindService : '0000000000000000'
      t.match(status, new RegExp(`^CapEff:\t${expected}$`, 'm'), process)
    }
    const exposure = await machine.inside('systemd-analyze', 'security', '--no-pager', 'bazaar-order-1')
    t.match(exposure, /Overall exposure level for bazaar-order-1.service: 0\.\d SAFE/)
    t.equal((await machine.inside('stat', '--format=%a', '/etc/systemd/system/bazaar-frontend-1.env')).trim(), '600')
  })

  await step(`five processes that took ${orders} orders use less than ${memoryMaxMiB} MiB together`, async t => {
    const token = (await machine.inside('cat', '/var/lib/bazaar/admin-token')).trim()
    const shopper = [process.execPath, join(import.meta.dirname, 'deploy/shopper.ts')]
    const last = Number(await machine.beside(...shopper, shop, token, String(orders)))
    bought.push(await getOrder(last))
    const pids = await Promise.all(processes.map(name => property(name, 'MainPID')))
    // The proportional set size shares out what they share, which is Node itself.
    const rollups = await Promise.all(pids.map(pid => machine.inside('cat', `/proc/${pid}/smaps_rollup`)))
    const sizes = rollups.map(text => Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) / 1024)
    const totalMiB = sizes.reduce((sum, size) => sum + size, 0)
    t.comment(`memory: ${Math.round(totalMiB)} MiB, of which ${sizes.map(Math.round).join(', ')}`)
    t.ok(totalMiB < memoryMaxMiB, `${totalMiB} MiB`)
  })

  await step('a process that is killed is back in seconds, and the shop sells on', async t => {
    const { leader } = (await get('/cluster')).data
    const killed = await property(leader, 'MainPID')
    await machine.inside('kill', '-9', killed)
    const began = performance.now()
    bought.push(await buy())
    let pid = killed
    while ((pid === killed || pid === '0') && performance.now() - began < restartMs) {
      await sleep(50)
      pid = await property(leader, 'MainPID')
    }
    t.not(pid, killed, 'it runs again')
    t.not(pid, '0')
    t.same(await keptOrders(), bought)
  })

  await step('after a reboot nothing is built again and every order is there', async t => {
    const script = await userData(first)
    await machine.stop()
    t.match(await machine.boot(script, bootMs), sells(first))
    t.notMatch(machine.console(), /Lockfile is up to date/, 'no second install')
    t.same(await keptOrders(), bought)
    bought.push(await buy())
  })

  let second = ''
  await step('another commit is put on the same machine, with every order', async t => {
    second = await repository.append('README.md', '\n')
    const script = await userData(second)
    await machine.stop()
    t.match(await machine.boot(script, bootMs), sells(second))
    t.match(await property('order-1', 'ExecStart'), new RegExp(`/opt/bazaar/builds/${second}/`))
    t.same(await keptOrders(), bought)
    bought.push(await buy())
  })

  await step(
    'a commit that does not build is reported with its step and last lines, and the one before sells on',
    async t => {
      const script = await userData(await repository.append('apps/order/src/main.ts', '\nconst = oops\n'))
      await machine.stop()
      const signal: Signal = await machine.boot(script, bootMs)
      t.equal(signal.Status, 'FAILURE')
      t.match(signal.Reason, /^step build failed: /)
      t.match(signal.Reason, /apps\/order\/src\/main\.ts.*error TS/)
      t.same(await keptOrders(), bought)
      bought.push(await buy())
    },
  )

  await step('a deployment that is rolled back finds its build where it was', async t => {
    const script = await userData(second)
    await machine.stop()
    t.match(await machine.boot(script, bootMs), sells(second))
    t.notMatch(machine.console(), /Lockfile is up to date/, 'no second install')
    t.same(await keptOrders(), bought)
  })

  await step('all that happened within the memory of a t2.micro, without swap', async t => {
    if (machine.memory === null) t.pass('memory', { skip: 'needs control groups for memory' })
    else t.equal(machine.memory.kills(), 0, 'the kernel killed nothing for want of memory')
  })
}

function whyNotHere(): string | null {
  if (process.getuid?.() !== 0) return 'needs root, for a container'
  const programs = ['debootstrap', 'systemd-nspawn', 'unshare', 'nsenter', 'losetup', 'ip', 'git', 'npm', 'npx', 'curl']
  const absent = missing(...programs)
  if (absent.length > 0) return `needs ${absent.join(', ')}`
  // A container on a build server may have neither, whoever runs it.
  if (spawnSync('unshare', ['--mount', '--net', 'true']).status !== 0) return 'needs namespaces of its own'
  if (spawnSync('losetup', ['--find']).status !== 0) return 'needs a loop device'
  return whyNoTemplate()
}

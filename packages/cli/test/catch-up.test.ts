import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { socketPath } from '@bazaar/client'
import type { Cluster } from '@bazaar/cluster'
import t, { type Test } from 'tap'
import { measureCatchUp, measureRestart } from '../src/catch-up.ts'
import type { Meter } from '../src/meter.ts'

const leaderStatus = { appliedIndex: 6, commitIndex: 6, lastIndex: 7, orders: 5 }

/** A leader and a follower that answer on unix sockets, and a cluster that only notes what is asked of it. */
async function fakeCluster(t: Test) {
  // Sockets need a short path.
  const data = mkdtempSync(join(tmpdir(), 'bazaar-'))
  t.teardown(() => rmSync(data, { recursive: true }))
  mkdirSync(`${data}/order-2`)
  const state = { asked: [] as string[], told: [] as number[], paused: false, applied: () => 6 }
  const answers = {
    'order-1': () => leaderStatus,
    'order-2': () => {
      const appliedIndex = state.applied()
      state.told.push(appliedIndex)
      return { ...leaderStatus, appliedIndex }
    },
  }
  for (const [name, status] of Object.entries(answers)) {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(status()))
    })
    await new Promise<void>(resolve => server.listen(socketPath(data, name), resolve))
    t.teardown(() => server.close())
  }
  const note = (action: string) => async (name: string, how?: object) => {
    state.asked.push([action, name, ...(how === undefined ? [] : [JSON.stringify(how)])].join(' '))
    if (action === 'pause' || action === 'resume') state.paused = action === 'pause'
    if (action !== 'start') return name
    t.notOk(existsSync(`${data}/order-2`), 'it starts without its folder')
    mkdirSync(`${data}/order-2`)
    state.told.push(0)
    return name
  }
  const [kill, start, pause, resume] = ['kill', 'start', 'pause', 'resume'].map(note)
  const cluster = { data, leader: async () => 'order-1', kill, start, pause, resume } as unknown as Cluster
  return { cluster, state }
}

t.test(
  'catching up is over when the log is as long as the leader’s, and clients are measured with it and without',
  async t => {
    const { cluster, state } = await fakeCluster(t)
    let slicesPaused = 0
    /** Counts more while the replica is stopped. */
    const newLoad = () => {
      let perSecond = 0
      const slice = async (): Promise<void> => {
        perSecond = state.paused ? 2000 : 900
        if (state.paused) slicesPaused += 1
        await nextTurn()
      }
      return { slice, measured: () => ({ perSecond }) } as unknown as Meter
    }
    let polls = 0
    // The second time it is there only after it was stopped once.
    state.applied = () => {
      polls += 1
      return polls === 1 || (polls > 2 && slicesPaused < 2) ? 6 : 7
    }
    const { orders, perSecond, elapsedMs, ordersPerSecond } = await measureCatchUp(cluster, 'order-2', newLoad)
    t.equal(orders, 5)
    t.equal(perSecond, 5000 / elapsedMs)
    t.strictSame(ordersPerSecond, { meanwhile: 900, without: 2000 })
    t.strictSame(state.told.slice(0, 4), [0, 6, 7, 0], 'what is committed is not all that the leader has')
    t.equal(state.told.at(-1), 7)
    const beforePauses = ['kill order-2 {"hold":true}', 'start order-2']
    t.strictSame(state.asked.slice(0, 6), [...beforePauses, ...beforePauses, 'pause order-2', 'resume order-2'])
    t.notOk(state.paused)
  },
)

t.test('a restart is over when what was applied before is applied again', async t => {
  const { cluster, state } = await fakeCluster(t)
  const applied = [6, 0, 5, 6]
  state.applied = () => applied.shift() as number
  t.ok((await measureRestart(cluster, 'order-2')) > 0)
  t.strictSame(state.told, [6, 0, 5, 6])
  t.strictSame(state.asked, ['kill order-2'], 'it is not held down')
})

t.test('orders that fail while a replica is stopped end the measurement, and the replica goes on', async t => {
  const { cluster, state } = await fakeCluster(t)
  let polls = 0
  // The first time it is there soon, the second time never.
  state.applied = () => {
    polls += 1
    return polls === 1 ? 7 : 6
  }
  const slice = async (): Promise<void> => {
    if (state.paused) throw new Error('no leader')
    await nextTurn()
  }
  const newLoad = () => ({ slice, measured: () => ({ perSecond: 1 }) }) as unknown as Meter
  await t.rejects(measureCatchUp(cluster, 'order-2', newLoad), { message: 'no leader' })
  t.notOk(state.paused)
  const polled = polls
  // One question may be under way.
  const watchedUntil = performance.now() + 200
  while (polls <= polled + 1 && performance.now() < watchedUntil) await nextTurn()
  t.ok(polls <= polled + 1, 'nobody waits for it any more')
})

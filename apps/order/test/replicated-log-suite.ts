import { decode, encodeFact } from '@bazaar/client'
import type { Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import type { ReplicatedLog } from '../src/replicated-log.ts'

/** A running member of a log under test, and the lines it was handed. */
export interface Member {
  readonly log: ReplicatedLog
  readonly applied: string[]
  /** Ends it at once, as a crash would. */
  crash(): Promise<void>
}

/** What an implementation of the port gives the suite. */
export interface Harness {
  /** Starts member 1, 2 or 3, or starts it again on what it had stored. */
  start(id: number): Promise<Member>
  /** Resolves once every member counts for a majority, as it does from some moment after a new log was founded. */
  founded(): Promise<void>
  /** Loses all that a member has stored. Only while it is down. */
  wipe(id: number): Promise<void>
  end(): Promise<void>
}

let facts = 0
const fact = (): string => encodeFact({ type: 'stock', name: 'Tux', quantity: 1, key: `fact-${++facts}` })

/** The behaviour that `ReplicatedLog` promises, for any implementation with three members. */
export async function replicatedLogSuite(t: Test, startHarness: () => Promise<Harness>): Promise<void> {
  const cluster = async (t: Test) => {
    const harness = await startHarness()
    const members = new Map<number, Member>()
    const start = async (...ids: number[]) => {
      for (const id of ids) members.set(id, await harness.start(id))
    }
    const crash = async (id: number) => {
      await members.get(id)?.crash()
      members.delete(id)
    }
    const leader = () =>
      eventually('a leader that all follow', () => {
        const leaders = [...members].filter(([, { log }]) => log.leadership.leading)
        const [id, member] = leaders[0] ?? [0, null]
        const agreed = [...members.values()].every(({ log }) => log.leadership.leader === member?.log.leadership.leader)
        return leaders.length === 1 && member !== null && agreed ? { id, ...member } : null
      })
    /** Proposes until some leader commits it: a fact may be in twice, as the port says. */
    const propose = async (count = 1): Promise<void> => {
      for (;;) {
        const { log } = await leader()
        const proposed = await log.propose(Array.from({ length: count }, fact)).catch(() => null)
        if (proposed !== null) return
      }
    }
    const converged = (): Promise<string[]> =>
      eventually('the same lines on all', () => {
        const [first, ...rest] = [...members.values()].map(({ applied }) => applied.join(''))
        const [member] = members.values()
        return first !== undefined && rest.every(lines => lines === first) ? (member?.applied ?? null) : null
      })
    t.teardown(() => harness.end())
    await start(1, 2, 3)
    await harness.founded()
    return { harness, members, start, crash, leader, propose, converged }
  }

  await t.test('what is proposed is applied everywhere, in one order, each line once', async t => {
    const { leader, converged } = await cluster(t)
    const { log } = await leader()
    await log.barrier()
    const firsts = await Promise.all([log.propose([fact(), fact()]), log.propose([fact()]), log.propose([fact()])])
    t.same(
      firsts,
      [0, 2, 3].map(offset => (firsts[0] as number) + offset),
    )
    t.ok(log.appliedIndex >= (firsts[2] as number), 'applied before the proposal resolves')
    const lines = await converged()
    t.same(
      lines.map(line => decode(line).index),
      lines.map((_, place) => place + 1),
    )
    t.equal(log.lines(1, lines.length).toString('latin1'), lines.join(''), 'lines can be read back')
    t.equal(log.lines(2, 2).toString('latin1'), lines[1])
  })

  await t.test('one that does not lead refuses, and says who does', async t => {
    const { leader, members } = await cluster(t)
    const { id } = await leader()
    for (const [other, { log }] of members) {
      if (other === id) continue
      const hint = { reason: 'NOT_LEADER', leader: `order-${id}` } as unknown as Error
      await t.rejects(log.propose([fact()]), hint)
      await t.rejects(log.barrier(), hint)
    }
  })

  await t.test('what was committed survives its leader, again and again', async t => {
    const { leader, propose, crash, start, converged } = await cluster(t)
    for (let round = 0; round < 4; round++) {
      await propose(3)
      await converged()
      const { id, applied } = await leader()
      const before = [...applied]
      await crash(id)
      await propose(3)
      const after = (await leader()).applied.slice(0, before.length)
      t.same(after, before, `round ${round}: the new leader has all of it`)
      await start(id)
      await propose()
      await converged()
    }
  })

  await t.test('a leader without a majority confirms nothing', async t => {
    const { leader, members, crash, start, converged, propose } = await cluster(t)
    const { id, log } = await leader()
    const others = [...members.keys()].filter(other => other !== id)
    for (const other of others) await crash(other)
    await t.rejects(log.propose([fact()]), { reason: 'NOT_LEADER' } as unknown as Error)
    await t.rejects(log.barrier(), { reason: 'NOT_LEADER' } as unknown as Error)
    await start(...others)
    await propose()
    await converged()
  })

  await t.test('a tail that only a minority has gives way', async t => {
    const { leader, members, crash, start, converged, propose } = await cluster(t)
    const { id, log, applied } = await leader()
    await log.barrier()
    const count = applied.length
    const others = [...members.keys()].filter(other => other !== id)
    for (const other of others) await crash(other)
    await t.rejects(log.propose([fact(), fact()]))
    await crash(id)
    await start(...others)
    await propose(1)
    await start(id)
    const lines = await converged()
    t.ok(lines.length > count)
  })

  await t.test('a member that lost everything comes back with all of it, and then counts for a majority', async t => {
    const { harness, leader, members, crash, start, converged, propose } = await cluster(t)
    await propose(2500)
    const { id } = await leader()
    const [wiped, other] = [...members.keys()].filter(follower => follower !== id) as [number, number]
    await converged()
    await crash(wiped)
    await harness.wipe(wiped)
    await start(wiped)
    await converged()
    await crash(other)
    await propose(1)
    t.ok((await converged()).length > 2500)
    await start(other)
    await converged()
  })

  await t.test('two members that lost everything do not make a new log without the third', async t => {
    const { harness, leader, members, crash, start, propose, converged } = await cluster(t)
    await propose(5)
    const before = [...(await converged())]
    const { id } = await leader()
    const others = [...members.keys()].filter(other => other !== id)
    for (const member of [id, ...others]) await crash(member)
    for (const other of others) await harness.wipe(other)
    await start(...others)
    await new Promise(resolve => setTimeout(resolve, 1000))
    t.notOk(
      [...members.values()].some(({ log }) => log.leadership.leading),
      'nobody leads',
    )
    await start(id)
    await eventually('the third has its log', () => (members.get(id)?.log.appliedIndex ?? 0) > 0)
    t.same(members.get(id)?.applied.slice(0, before.length), before)
  })
}

import type { Entry, HardState, MemberId } from '../src/index.ts'
import { Cluster, defaultTuning, textOf } from './cluster.ts'

/** A small seeded generator (xorshift32): uniform in [0, 1). */
export function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
  for (let warmUp = 0; warmUp < 8; warmUp += 1) next()
  return next
}

export interface Weather {
  readonly members: number
  /** All members start without a folder. */
  readonly fresh: boolean
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
  /** How often something breaks or is mended, per action. */
  readonly trouble: number
  /** How often everything flows for a moment, per action. */
  readonly calm: number
  readonly electionTicks: number
  readonly jitterTicks: number
  readonly idleHeartbeatTicks: number
}

/** Runs a cluster through random events. Every choice comes from the seed, so a seed replays a run. */
export class Simulation {
  readonly cluster: Cluster
  readonly weather: Weather
  readonly #random: () => number
  #payloads = 0
  #reads = 0

  constructor(seed: number) {
    const random = generator(seed)
    this.#random = random
    const maybe = (most: number): number => (random() < 0.5 ? 0 : random() * most)
    const electionTicks = this.#oneOf([3, 5, 10])
    this.weather = {
      members: this.#oneOf([1, 3, 3, 3, 3, 5]),
      fresh: random() < 0.3,
      loss: maybe(0.2),
      duplication: maybe(0.2),
      reordering: maybe(0.3),
      trouble: 0.002 + random() * 0.1,
      calm: random() * 0.02,
      electionTicks,
      jitterTicks: this.#oneOf([0, 2, 6]),
      idleHeartbeatTicks: Math.min(electionTicks - 1, this.#oneOf([2, 4])),
    }
    const { members, fresh, jitterTicks, idleHeartbeatTicks } = this.weather
    const tuning = { ...defaultTuning, electionTicks, jitterTicks, idleHeartbeatTicks, random }
    const hardState: HardState = { term: 0, vote: null, voting: !fresh }
    this.cluster = new Cluster(members, tuning, () => ({
      hardState,
      entries: [],
    }))
    for (const { id } of this.cluster.replicas.values()) this.cluster.replica(id).slowDisk = true
  }

  /** One random action. */
  act(): void {
    const { trouble, calm } = this.weather
    if (this.#random() < trouble) this.#trouble()
    if (this.#random() < calm) this.#flow()
    const dice = this.#random()
    if (dice < 0.01) this.#tickAll()
    else if (dice < 0.6) this.#deliver()
    else if (dice < 0.75) this.#tick()
    else if (dice < 0.85) this.#persist()
    else if (dice < 0.95) this.#propose()
    else this.#read()
  }

  /** Mends everything and lets time pass. Throws unless the cluster then agrees on a log with every committed entry. */
  heal(): void {
    const { cluster } = this
    cluster.cut.clear()
    for (const replica of cluster.replicas.values()) {
      replica.paused = false
      if (replica.raft === null) cluster.start(replica.id)
    }
    for (const from of cluster.members) for (const to of cluster.members) if (from !== to) cluster.connect(from, to)
    const ticksMax = 400
    for (let tick = 0; tick < ticksMax; tick += 1) {
      this.#calm()
      if (tick > 50 && this.#leader() !== null && this.#agreed()) break
    }
    const leader = this.#leader()
    if (leader === null) throw new Error(`no leader ${ticksMax} ticks after everything was mended`)
    cluster.step(leader, { type: 'propose', payloads: ['last'] })
    cluster.step(leader, { type: 'read', id: ++this.#reads })
    for (let tick = 0; tick < 10; tick += 1) this.#calm()
    if (!this.#agreed()) throw new Error(`the logs differ ${ticksMax} ticks after everything was mended`)
    const last = cluster.committed.at(-1)
    if (last === undefined || textOf(last) !== 'last') throw new Error('the last proposal is not committed')
    for (const { id, readFloors, raft } of cluster.replicas.values()) {
      if (readFloors.size > 0) throw new Error(`a read of ${id} was never answered`)
      if (raft?.role === 'learner') throw new Error(`${id} still learns`)
    }
  }

  /** Enough for an election, as far as the connections allow it. */
  #flow(): void {
    for (let tick = this.#below(2 * this.weather.electionTicks); tick >= 0; tick -= 1) this.#calm()
  }

  #calm(): void {
    this.#tickAll()
    for (let turn = 0; turn < 4; turn += 1) {
      this.cluster.settle()
      for (const id of this.cluster.members) this.#persistAll(id)
    }
  }

  #tickAll(): void {
    for (const { id, paused } of this.cluster.replicas.values()) if (!paused) this.cluster.step(id, { type: 'tick' })
  }

  #agreed(): boolean {
    const { committed, replicas } = this.cluster
    const logOf = (entries: readonly Entry[]) => entries.map(entry => `${entry.term} ${textOf(entry)}`).join('\n')
    const log = logOf(committed)
    return [...replicas.values()].every(replica => logOf(replica.disk.entries) === log)
  }

  #leader(): MemberId | null {
    const leaders = [...this.cluster.replicas.values()].filter(({ raft }) => raft?.role === 'leader')
    return leaders.length === 1 ? (leaders[0]?.id ?? null) : null
  }

  #deliver(): void {
    const waiting = [...this.cluster.queues].filter(([, queue]) => queue.length > 0)
    if (waiting.length === 0) return
    const [connection, queue] = this.#oneOf(waiting)
    const [from = 0, to = 0] = connection.split('-').map(Number)
    if (this.cluster.replica(to).paused) return
    if (this.#random() < this.weather.loss) {
      queue.shift()
      return
    }
    const position = this.#random() < this.weather.reordering ? this.#below(queue.length) : 0
    this.cluster.deliver(from, to, position, this.#random() < this.weather.duplication)
  }

  #tick(): void {
    const replica = this.#anyone()
    if (!replica.paused) this.cluster.step(replica.id, { type: 'tick' })
  }

  #persist(): void {
    const { id, raft, log, disk } = this.#anyone()
    if (raft === null) return
    const durable = disk.entries.findLastIndex((entry, position) => log[position] === entry) + 1
    const index = durable + this.#below(log.length - durable + 1)
    if (index > durable) this.cluster.persist(id, index)
  }

  #persistAll(id: MemberId): void {
    const { log, disk, paused } = this.cluster.replica(id)
    if (paused) return
    if (disk.entries.length !== log.length || disk.entries.at(-1) !== log.at(-1)) this.cluster.persist(id, log.length)
  }

  #propose(): void {
    const { id, raft, paused } = this.#anyone()
    if (raft?.role !== 'leader' || paused) return
    const payloads = Array.from({ length: 1 + this.#below(6) }, () => `p${++this.#payloads}`)
    this.cluster.step(id, { type: 'propose', payloads })
  }

  #read(): void {
    const { id, paused } = this.#anyone()
    if (!paused) this.cluster.step(id, { type: 'read', id: ++this.#reads })
  }

  #trouble(): void {
    const { id } = this.#anyone()
    const leader = this.#leader() ?? id
    const troubles = [
      () => this.#crash(id),
      () => this.#crash(leader),
      () => this.#lose(id),
      () => this.#lose(leader),
      () => this.#isolate(leader),
      () => this.#loseSight(leader),
      () => this.#cutOrHeal(),
      () => this.#reconnect(),
      () => this.#pause(id),
    ]
    if (this.#random() < 0.5) this.#oneOf(troubles)()
    else this.#mend()
  }

  #mend(): void {
    if (this.#random() < 0.5) this.cluster.cut.clear()
    for (const replica of this.cluster.replicas.values()) {
      if (this.#random() < 0.5) replica.paused = false
      if (this.#random() < 0.5) this.#restart(replica.id)
    }
  }

  #pause(id: MemberId): void {
    this.cluster.replica(id).paused = true
  }

  #crash(id: MemberId): void {
    const { raft, log, disk } = this.cluster.replica(id)
    if (raft === null) return
    const durable = disk.entries.findLastIndex((entry, position) => log[position] === entry) + 1
    const truncated = disk.entries.length > durable
    // A truncation that was not synced may come undone; a tail that was not synced may survive in part.
    this.cluster.crash(id, truncated && this.#random() < 0.5 ? null : durable + this.#below(log.length - durable + 1))
    for (const other of this.cluster.members) {
      if (other !== id && this.#random() < 0.7) this.cluster.step(other, { type: 'closed', member: id })
    }
  }

  #restart(id: MemberId): void {
    if (this.cluster.replica(id).raft !== null) return
    this.cluster.start(id)
    for (const other of this.cluster.members) {
      if (other === id) continue
      this.cluster.connect(other, id)
      this.cluster.connect(id, other)
    }
  }

  /** One member at a time may have lost its disk. */
  #lose(id: MemberId): void {
    const others = [...this.cluster.replicas.values()].filter(replica => replica.id !== id)
    if (others.length === 0 || others.some(({ disk }) => !disk.hardState.voting)) return
    this.cluster.crash(id)
    const loss = this.#oneOf(['wipe', 'rot', 'forget', 'lose'] as const)
    this.cluster[loss](id)
    if (this.#random() < 0.8) this.#restart(id)
  }

  /** Cuts the member off, in one or both directions. */
  #isolate(id: MemberId): void {
    const directions = this.#oneOf(['in', 'out', 'both'])
    for (const other of this.cluster.members) {
      if (other === id) continue
      if (directions !== 'in') this.cluster.cut.add(`${id}-${other}`)
      if (directions !== 'out') this.cluster.cut.add(`${other}-${id}`)
    }
  }

  /** The connections to a member that lives on close. */
  #loseSight(id: MemberId): void {
    for (const other of this.cluster.members) {
      if (other !== id) this.cluster.step(other, { type: 'closed', member: id })
    }
  }

  #cutOrHeal(): void {
    const [from, to] = this.#pair()
    if (from === to) return
    const connection = `${from}-${to}`
    if (this.cluster.cut.has(connection)) this.cluster.cut.delete(connection)
    else this.cluster.cut.add(connection)
    if (this.#random() < 0.5) this.cluster.step(from, { type: 'closed', member: to })
  }

  #reconnect(): void {
    const [from, to] = this.#pair()
    if (from === to) return
    this.cluster.queue(from, to).length = 0
    this.cluster.step(from, { type: 'closed', member: to })
    if (this.cluster.replica(to).raft !== null) this.cluster.connect(from, to)
  }

  #pair(): [MemberId, MemberId] {
    return [this.#oneOf(this.cluster.members), this.#oneOf(this.cluster.members)]
  }

  #anyone() {
    return this.cluster.replica(this.#oneOf(this.cluster.members))
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T
  }
}

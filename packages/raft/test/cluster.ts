import {
  type Effects,
  type Entry,
  type Event,
  type HardState,
  type MemberId,
  type Message,
  type Options,
  Raft,
} from '../src/index.ts'
import { type TermRun, unknownVote } from '../src/types.ts'

/** What a crash leaves of a member. */
export interface Disk {
  hardState: HardState
  /** What was reported as persisted; a crash keeps at least this, or what truncated it. */
  entries: Entry[]
}

export interface Replica {
  readonly id: MemberId
  /** Null while the process is down. */
  raft: Raft | null
  disk: Disk
  /** The log as written, durable or not. */
  log: Entry[]
  commitIndex: number
  /** Takes part in nothing, but its connections stay open. */
  paused: boolean
  /** Reports entries as persisted only when `persist` is called. */
  slowDisk: boolean
  /** What a read must at least see: the highest index that was committed anywhere when it was asked for. */
  readonly readFloors: Map<number, number>
}

export type Tuning = Omit<Options, 'id' | 'members' | 'hardState' | 'lastIndex' | 'termRuns' | 'commitIndex' | 'seal'>

export const defaultTuning: Tuning = {
  heartbeatTicks: 2,
  idleHeartbeatTicks: 2,
  electionTicks: 10,
  preferenceTicks: 3,
  jitterTicks: 0,
  entriesPerAppendMax: 4,
  appendsInFlightMax: 2,
  entriesPerTickMax: 1000,
  random: () => 0,
}

export type Observer = (replica: Replica, event: Event, effects: Effects) => void

/** An entry with a line that is this text. */
export function entryOf(index: number, term: number, text: string): Entry {
  const bytes = Buffer.from(text)
  return { index, term, bytes, start: 0, end: bytes.length }
}

export function textOf({ bytes, start, end }: Entry): string {
  return Buffer.from(bytes).toString('utf8', start, end)
}

/** The runs of terms of a log. */
function termRunsOf(entries: readonly Entry[]): TermRun[] {
  const runs: TermRun[] = []
  for (const { index, term } of entries) if (runs.at(-1)?.term !== term) runs.push({ from: index, term })
  return runs
}

/**
 * Members joined by in-memory connections, one each way between any two. It does what a driver does, at once or when told
 * to, and after each step checks what Raft promises (figure 3), throwing an error that names the broken property.
 */
export class Cluster {
  readonly members: readonly MemberId[]
  readonly replicas: ReadonlyMap<MemberId, Replica>
  /** Messages on their way, by connection. */
  readonly queues = new Map<string, Message[]>()
  /** Connections that are cut: what is sent on them is lost. */
  readonly cut = new Set<string>()
  readonly committed: Entry[] = []
  /** The terms of the members that were the first to know of a committed entry, by position. */
  readonly #committedIn: number[] = []
  readonly #tuning: Tuning
  readonly #observe: Observer
  readonly #leaders = new Map<number, MemberId>()

  constructor(size: number, tuning: Tuning, disk: (id: MemberId) => Disk, observe: Observer = () => {}) {
    this.members = Array.from({ length: size }, (_, position) => position + 1)
    this.#tuning = tuning
    this.#observe = observe
    this.replicas = new Map(this.members.map(id => [id, this.#newReplica(id, disk(id))]))
    for (const from of this.members)
      for (const to of this.members) if (from !== to) this.queues.set(`${from}-${to}`, [])
    for (const id of this.members) this.start(id)
  }

  replica(id: MemberId): Replica {
    const replica = this.replicas.get(id)
    if (replica === undefined) throw new Error(`no member ${id}`)
    return replica
  }

  queue(from: MemberId, to: MemberId): Message[] {
    return this.queues.get(`${from}-${to}`) ?? []
  }

  /** Starts the member from its disk. Its connections are made by `connect`. */
  start(id: MemberId): void {
    const replica = this.replica(id)
    const { hardState, entries } = replica.disk
    replica.log = [...entries]
    replica.commitIndex = 0
    replica.paused = false
    replica.readFloors.clear()
    replica.raft = new Raft({
      ...this.#tuning,
      id,
      members: this.members,
      hardState,
      lastIndex: entries.length,
      termRuns: termRunsOf(entries),
      commitIndex: 0,
      seal: (index, term, payload) => entryOf(index, term, payload ?? ''),
    })
  }

  /** Ends the process. The disk keeps `kept` entries of the log, or if null what it had when it was last persisted. */
  crash(id: MemberId, kept: number | null = null): void {
    const replica = this.replica(id)
    replica.raft = null
    if (kept !== null) replica.disk.entries = replica.log.slice(0, kept)
    for (const other of this.members) this.queues.get(`${other}-${id}`)?.splice(0)
  }

  /** The folder is gone. */
  wipe(id: MemberId): void {
    this.replica(id).disk = { hardState: { term: 0, vote: null, voting: false }, entries: [] }
  }

  /** The log is gone, the hard state is not. */
  rot(id: MemberId): void {
    const { disk } = this.replica(id)
    disk.hardState = { ...disk.hardState, voting: false }
    disk.entries = []
  }

  /** Log and hard state are gone, and the member knows it. */
  lose(id: MemberId): void {
    const { disk } = this.replica(id)
    disk.hardState = { term: disk.entries.at(-1)?.term ?? 1, vote: unknownVote, voting: false }
    disk.entries = []
  }

  /** The hard state is gone, the log is not. */
  forget(id: MemberId): void {
    this.replica(id).disk.hardState = { term: 0, vote: null, voting: false }
  }

  /** Hands one event to the member and does what it asks. A member that is down does nothing. */
  step(id: MemberId, event: Event): void {
    const replica = this.replica(id)
    if (replica.raft === null) return
    if (event.type === 'read') replica.readFloors.set(event.id, this.committed.length)
    const { role: before, ticksToDue } = replica.raft
    const effects = replica.raft.step(event)
    if (event.type === 'tick' && ticksToDue > 1) this.#checkNothingDone(replica, before, effects)
    this.#observe(replica, event, effects)
    if (effects.hardState !== null) replica.disk.hardState = this.#checkedHardState(replica, effects.hardState)
    if (effects.truncateFrom !== null) replica.log.length = effects.truncateFrom - 1
    replica.log.push(...effects.append)
    for (const message of effects.send) this.#send(replica, message)
    if (before !== 'leader' && replica.raft.role === 'leader') this.#checkLeader(replica, replica.raft.term)
    this.#checkCommit(replica, effects.commitIndex)
    this.#checkReads(replica, effects)
    if (effects.append.length > 0 && !replica.slowDisk) this.persist(id, replica.log.length)
  }

  /** The disk has written the log up to `index`. */
  persist(id: MemberId, index: number): void {
    const replica = this.replica(id)
    replica.disk.entries = replica.log.slice(0, index)
    this.step(id, { type: 'persisted', index })
  }

  /** Takes the message at `position` of a queue to its receiver; keeps it if `again`. */
  deliver(from: MemberId, to: MemberId, position = 0, again = false): void {
    const queue = this.queue(from, to)
    const message = again ? queue[position] : queue.splice(position, 1)[0]
    if (message !== undefined) this.step(to, { type: 'message', message })
  }

  connect(from: MemberId, to: MemberId): void {
    this.step(from, { type: 'connected', member: to })
  }

  /** Delivers in order until nothing is on its way, except to members that are paused. */
  settle(): void {
    const deliveriesMax = 10_000
    for (let deliveries = 0; deliveries < deliveriesMax; deliveries += 1) {
      const waiting = [...this.queues].find(([name, queue]) => queue.length > 0 && !this.#isPaused(name))
      if (waiting === undefined) return
      const [from, to] = waiting[0].split('-').map(Number)
      this.deliver(from ?? 0, to ?? 0)
    }
    throw new Error(`the cluster still talks after ${deliveriesMax} deliveries`)
  }

  /** Ticks before the one that is due may be given late, so they must do nothing. */
  #checkNothingDone(
    { raft, id }: Replica,
    before: string,
    { hardState, truncateFrom, append, send, reads }: Effects,
  ): void {
    const done = hardState !== null || truncateFrom !== null || append.length + send.length + reads.length > 0
    if (done || raft?.role !== before) throw new Error(`${before} ${id} did something at a tick before the one due`)
  }

  #isPaused(connection: string): boolean {
    return this.replica(Number(connection.split('-')[1])).paused
  }

  #newReplica(id: MemberId, disk: Disk): Replica {
    return { id, raft: null, disk, log: [], commitIndex: 0, paused: false, slowDisk: false, readFloors: new Map() }
  }

  #send(replica: Replica, message: Message): void {
    const connection = `${message.from}-${message.to}`
    if (this.cut.has(connection) || this.replica(message.to).raft === null) return
    const { queues } = this
    if (message.type !== 'appendRequest') {
      queues.get(connection)?.push(message)
      return
    }
    const entries = replica.log.slice(message.prevIndex, message.prevIndex + message.count)
    queues.get(connection)?.push({ ...message, entries })
  }

  #checkedHardState(replica: Replica, next: HardState): HardState {
    const last = replica.disk.hardState
    if (next.term < last.term) throw new Error(`term of ${replica.id} falls from ${last.term} to ${next.term}`)
    const given = last.vote !== null && last.vote !== unknownVote
    const changed = next.term === last.term && given && next.vote !== last.vote
    if (changed) throw new Error(`${replica.id} votes twice in term ${next.term}: ${last.vote}, ${next.vote}`)
    return next
  }

  /** Election safety and leader completeness. */
  #checkLeader(replica: Replica, term: number): void {
    const other = this.#leaders.get(term)
    if (other !== undefined && other !== replica.id)
      throw new Error(`two leaders in term ${term}: ${other}, ${replica.id}`)
    this.#leaders.set(term, replica.id)
    for (const [position, entry] of this.committed.entries()) {
      // Votes that arrive late may make a leader of a term that is over; it cannot commit anything.
      if ((this.#committedIn[position] ?? 0) >= term) continue
      const own = replica.log[entry.index - 1]
      if (own?.term !== entry.term || textOf(own) !== textOf(entry)) {
        throw new Error(`leader ${replica.id} of term ${term} lacks the committed entry ${entry.index}`)
      }
    }
  }

  /** State machine safety. */
  #checkCommit(replica: Replica, commitIndex: number): void {
    if (commitIndex < replica.commitIndex) throw new Error(`commit index of ${replica.id} falls to ${commitIndex}`)
    for (let index = replica.commitIndex + 1; index <= commitIndex; index += 1) {
      const own = replica.log[index - 1]
      if (own === undefined) throw new Error(`${replica.id} commits ${index} without having it`)
      const agreed = this.committed[index - 1]
      if (agreed === undefined) {
        this.committed.push(own)
        this.#committedIn.push(replica.raft?.term ?? 0)
      } else if (agreed.term !== own.term || textOf(agreed) !== textOf(own)) {
        throw new Error(`${replica.id} commits another entry ${index}: ${JSON.stringify([own, agreed])}`)
      }
    }
    replica.commitIndex = commitIndex
  }

  /** A confirmed read sees everything that was committed when it was asked for. */
  #checkReads(replica: Replica, { reads, readsRefused }: Effects): void {
    for (const { id, index } of reads) {
      const floor = replica.readFloors.get(id)
      if (floor === undefined) throw new Error(`read ${id} of ${replica.id} is answered twice`)
      if (index < floor) throw new Error(`read ${id} of ${replica.id} sees ${index}, not ${floor}`)
      replica.readFloors.delete(id)
    }
    for (const id of readsRefused) {
      if (!replica.readFloors.delete(id)) throw new Error(`read ${id} of ${replica.id} is answered twice`)
    }
  }
}

import { BazaarError, type Clock, LineCursor, type Timer } from '@bazaar/client/contract'
import { type Effects, type Event, type MemberId, type Message, Raft, type Role } from '@bazaar/raft'
import { isDiskFull } from '@bazaar/service'
import { type Leadership, linesTogetherMax, type ReplicatedLog } from '../replicated-log.ts'
import type { LogFile } from './log-file.ts'
import { Sealer } from './sealer.ts'
import type { State, StateFile } from './state-file.ts'
import { Ticker } from './ticker.ts'
import type { Transport } from './transport.ts'

const heartbeatTicks = 4
const idleHeartbeatTicks = 8
const electionTicks = 25
const preferenceTicks = 5
const jitterTicks = 5
/** At most this many entries travel in one AppendEntries request: at most 800 KiB. */
export const entriesPerAppendMax = linesTogetherMax
const appendsInFlightMax = 16
/** Entries sent to one follower in a tick: a replica that catches up gets up to 116,000 a second, and orders go on beside it. */
const entriesPerTickMax = 1160
/**
 * While a replica lacks what is committed elsewhere nobody waits for its syncs, and orders wait for the disk meanwhile: it
 * syncs so often, instead of as often as it can.
 */
const behindSyncIntervalMs = 20
/** How often the length synced and the index committed are noted in `state.json`, when they changed. */
export const noteMs = 1000
/** How long to wait before a write that found the disk full is tried again. */
const diskFullRetryMs = 200

/** Messages that wait while a vote or a cut is made durable, for as long as there is no room; more are dropped, and repeated. */
export const messagesWaitingMax = 256

const noLines = new Uint8Array()

export interface RaftLogOptions {
  readonly id: MemberId
  readonly members: readonly MemberId[]
  readonly nameOf: (id: MemberId) => string
  /** Recovered. */
  readonly logFile: LogFile
  readonly stateFile: StateFile
  readonly transport: Transport
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** A failed fsync, a broken invariant: nothing may be done after it but to crash. */
  readonly fatal: (error: Error) => void
}

interface Proposal {
  readonly facts: readonly string[]
  readonly resolve: (first: number) => void
  readonly reject: (error: Error) => void
  /** Index of the first and the last entry, once they are in the log. */
  first: number
  last: number
}

interface Read {
  /** What must be applied before the read is served; null until a majority confirmed it. */
  index: number | null
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * The one loop around the pure core: step, then persist and send in parallel (thesis 10.2.1), then apply what is
 * committed. Nothing else touches the log file, the state file or the transport.
 */
export class RaftLog implements ReplicatedLog {
  readonly #options: RaftLogOptions
  readonly #raft: Raft
  readonly #ticker: Ticker
  #events: (Event | Proposal)[] = []
  /** True while a step is carried out; what arrives meanwhile waits in `#events`. */
  #busy = false
  #flushing = false
  #flushed: Promise<void> = Promise.resolve()
  #carriedOut: Promise<void> = Promise.resolve()
  /** Counts truncations: a flush that was overtaken by one says nothing about the entries that came after. */
  #truncations = 0
  #stopped = false
  #accepting = true
  #appliedIndex: number
  #durableIndex: number
  #proposals: Proposal[] = []
  readonly #reads = new Map<number, Read>()
  #lastReadId = 0
  #leadership: Leadership = { leading: false, leader: null, term: 0 }
  #noteTimer: Timer | null = null
  #flushTimer: Timer | null = null
  #behindFlushAtMs = Number.NEGATIVE_INFINITY
  onCommitted: (lines: LineCursor, last: number) => void = () => {}
  onLeadership: (leadership: Leadership) => void = () => {}

  constructor(options: RaftLogOptions) {
    const { id, members, logFile, stateFile, random } = options
    const { term, vote, voting, commitIndex } = stateFile.state
    const sealer = new Sealer()
    this.#options = options
    this.#appliedIndex = commitIndex
    this.#durableIndex = logFile.lastIndex
    this.#raft = new Raft({
      id,
      members,
      hardState: { term, vote, voting },
      lastIndex: logFile.lastIndex,
      termRuns: logFile.termRuns,
      commitIndex,
      heartbeatTicks,
      idleHeartbeatTicks,
      electionTicks,
      preferenceTicks,
      jitterTicks,
      entriesPerAppendMax,
      appendsInFlightMax,
      entriesPerTickMax,
      random,
      seal: (index, term, fact) => sealer.seal(index, term, fact),
    })
    this.#ticker = new Ticker(options.clock, () => this.#run())
  }

  /** Joins the cluster. What is committed up to the noted index must have been folded during recovery. */
  async start(): Promise<void> {
    const { transport } = this.#options
    transport.onMessage = message => {
      if (this.#events.length < messagesWaitingMax) this.#enqueue({ type: 'message', message })
    }
    transport.onConnected = member => this.#enqueue({ type: 'connected', member })
    transport.onClosed = member => this.#enqueue({ type: 'closed', member })
    await transport.start()
    if (this.#stopped) return
    this.#noteLater()
    this.#run()
  }

  /** Leaves cleanly: what is appended becomes durable and is noted. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#stopTimers()
    this.#refuseAll()
    await this.#options.transport.stop()
    await this.#carriedOut
    this.#flushNow()
    await this.#flushed
    await this.#note()
    this.#options.logFile.close()
    await this.#options.transport.release()
  }

  get leadership(): Leadership {
    return this.#leadership
  }

  get accepting(): boolean {
    return this.#accepting
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  /** For the status page. Indexes count entries. */
  get status(): { role: Role; lastIndex: number; commitIndex: number } {
    const { role, lastIndex, commitIndex } = this.#raft
    return { role, lastIndex, commitIndex }
  }

  propose(facts: readonly string[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ facts, resolve, reject, first: 0, last: 0 })
    })
  }

  barrier(): Promise<void> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastReadId
      this.#reads.set(id, { index: null, resolve, reject })
      this.#enqueue({ type: 'read', id })
    })
  }

  lines(from: number, to: number): Buffer {
    try {
      return this.#options.logFile.read(from, to)
    } catch (error) {
      // The next start finds the rot, sets the log aside and catches up from the others.
      this.#fail(error)
      throw error
    }
  }

  #enqueue(event: Event | Proposal): void {
    this.#events.push(event)
    this.#run()
  }

  #run(): void {
    if (this.#busy) return
    this.#busy = true
    try {
      for (let ticks = this.#ticker.take(); ticks > 0; ticks--) this.#events.unshift({ type: 'tick' })
      do {
        for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
          const effects = this.#step(event)
          if (effects === null) continue
          if (effects.hardState !== null || effects.truncateFrom !== null) {
            this.#carriedOut = this.#carryOutSlowly(effects).catch(error => this.#fail(error))
            return
          }
          this.#carryOut(effects)
        }
        // Last, so that nobody waits for the fold: an entry that has just become durable is acknowledged before.
        if (!this.#stopped) this.#apply(this.#raft.commitIndex)
      } while (this.#events.length > 0)
      if (!this.#stopped) this.#ticker.lookAfter(this.#raft.ticksToDue)
    } catch (error) {
      this.#fail(error)
    }
    this.#busy = false
  }

  /** Null: there is nothing to carry out. */
  #step(event: Event | Proposal): Effects | null {
    const leading = this.#raft.role === 'leader' && !this.#stopped
    if ('facts' in event) {
      if (!leading) {
        event.reject(this.#notLeader())
        return null
      }
      event.first = this.#raft.lastIndex + 1
      event.last = this.#raft.lastIndex + event.facts.length
      this.#proposals.push(event)
      return this.#raft.step({ type: 'propose', payloads: event.facts })
    }
    if (event.type === 'read' && !leading) {
      this.#refuseRead(event.id)
      return null
    }
    if (this.#stopped) return null
    return this.#raft.step(event)
  }

  /** For the steps that must be durable before anything else happens: a vote, a term, a tail that was overwritten. */
  async #carryOutSlowly(effects: Effects): Promise<void> {
    if (effects.hardState !== null) await this.#save(effects.hardState)
    if (effects.truncateFrom !== null) await this.#truncate(effects.truncateFrom)
    if (!this.#stopped) this.#carryOut(effects)
    this.#busy = false
    this.#run()
  }

  #carryOut(effects: Effects): void {
    const { logFile } = this.#options
    if (effects.append.length > 0) logFile.append(effects.append)
    for (const message of effects.send) this.#send(message)
    this.#flush()
    this.#updateLeadership()
    for (const { id, index } of effects.reads) (this.#reads.get(id) as Read).index = index
    for (const id of effects.readsRefused) this.#refuseRead(id)
  }

  #send(message: Message): void {
    const { logFile, transport } = this.#options
    const carries = message.type === 'appendRequest' && message.count > 0
    const lines = carries ? logFile.read(message.prevIndex + 1, message.prevIndex + message.count) : noLines
    transport.send(message, lines)
  }

  /** The one place that writes the log: what is appended during a sync goes into the next. */
  #flush(): void {
    const { logFile } = this.#options
    if (this.#flushing || this.#durableIndex >= logFile.lastIndex || this.#mayFlushLater()) return
    const truncations = this.#truncations
    const flushed = this.#whenThereIsRoom(() => logFile.flush())
    if (typeof flushed === 'number') {
      this.#persisted(flushed)
      return
    }
    this.#flushing = true
    this.#flushed = flushed
      .then(index => {
        this.#flushing = false
        if (truncations === this.#truncations) this.#persisted(index)
        this.#flush()
        // The next may have begun: whoever waits for this one wants all to be on disk.
        return this.#flushing ? this.#flushed : undefined
      })
      .catch(error => this.#fail(error))
  }

  /** For who is not in a step, which would tell of a failure itself. */
  #flushNow(): void {
    try {
      this.#flush()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Sees to it that the flush is made in a while, if it need not be made now. */
  #mayFlushLater(): boolean {
    const { logFile, clock } = this.#options
    if (this.#stopped || this.#raft.knownCommitIndex <= logFile.lastIndex) return false
    const now = clock.now()
    // Whole milliseconds: a fraction that is lost to rounding would be waited for again and again.
    const waitMs = Math.ceil(this.#behindFlushAtMs + behindSyncIntervalMs - now)
    if (waitMs <= 0) {
      this.#behindFlushAtMs = now
      return false
    }
    this.#flushTimer ??= clock.setTimer(() => {
      this.#flushTimer = null
      this.#flushNow()
    }, waitMs)
    return true
  }

  #persisted(index: number): void {
    const { logFile } = this.#options
    this.#durableIndex = index
    this.#enqueue({ type: 'persisted', index })
    if (logFile.checkpointDue) logFile.checkpoint().catch(error => this.#fail(error))
  }

  async #truncate(index: number): Promise<void> {
    const { logFile, stateFile } = this.#options
    const offset = logFile.offsetOf(index)
    // The note first: a log that is shorter than its note is taken for rot.
    if (stateFile.state.syncedBytes > offset) await this.#save({ syncedBytes: offset })
    this.#overtakeFlushes(index)
    await logFile.truncate(index)
  }

  /** Reports that entries from `index` on are durable, waiting or still to come, would be taken for their successors'. */
  #overtakeFlushes(index: number): void {
    this.#truncations++
    this.#durableIndex = Math.min(this.#durableIndex, index - 1)
    this.#events = this.#events.map(event =>
      'type' in event && event.type === 'persisted' ? { ...event, index: Math.min(event.index, index - 1) } : event,
    )
  }

  async #save(change: Partial<State>): Promise<void> {
    await this.#whenThereIsRoom(() => this.#options.stateFile.save(change))
  }

  /** Repeats a write until the disk has room. Until then nothing is acknowledged and the sequencer refuses orders. */
  #whenThereIsRoom<T>(write: () => T | Promise<T>): T | Promise<T> {
    const done = (result: T): T => {
      this.#accepting = true
      return result
    }
    const failed = (error: unknown): Promise<T> => {
      if (!isDiskFull(error) || this.#stopped) throw error
      this.#accepting = false
      const { clock } = this.#options
      return new Promise<void>(resolve => clock.setTimer(resolve, diskFullRetryMs)).then(() =>
        this.#whenThereIsRoom(write),
      )
    }
    try {
      const result = write()
      return result instanceof Promise ? result.then(done, failed) : done(result)
    } catch (error) {
      return failed(error)
    }
  }

  #apply(commitIndex: number): void {
    while (this.#appliedIndex < commitIndex) {
      const to = Math.min(commitIndex, this.#appliedIndex + linesTogetherMax)
      const lines = this.lines(this.#appliedIndex + 1, to)
      this.#appliedIndex = to
      this.onCommitted(new LineCursor(lines), this.#raft.knownCommitIndex)
    }
    while ((this.#proposals[0]?.last ?? Number.POSITIVE_INFINITY) <= this.#appliedIndex) {
      const proposal = this.#proposals.shift() as Proposal
      proposal.resolve(proposal.first)
    }
    for (const [id, read] of this.#reads) {
      if (read.index === null || read.index > this.#appliedIndex) continue
      this.#reads.delete(id)
      read.resolve()
    }
  }

  #updateLeadership(): void {
    const { role, term, leader } = this.#raft
    const last = this.#leadership
    const leaderName = leader === null ? null : this.#options.nameOf(leader)
    if (last.term === term && last.leader === leaderName && last.leading === (role === 'leader')) return
    this.#leadership = { leading: role === 'leader', leader: leaderName, term }
    if (last.leading) this.#refuseAll()
    this.onLeadership(this.#leadership)
  }

  /** Leadership is lost: what was proposed may still be committed by the next leader, so nobody can say. */
  #refuseAll(): void {
    for (const { reject } of this.#proposals.splice(0)) reject(this.#notLeader())
    for (const id of [...this.#reads.keys()]) this.#refuseRead(id)
  }

  #refuseRead(id: number): void {
    this.#reads.get(id)?.reject(this.#notLeader())
    this.#reads.delete(id)
  }

  #notLeader(): BazaarError {
    const { leader, leading } = this.#leadership
    const name = this.#options.nameOf(this.#options.id)
    return new BazaarError('NOT_LEADER', `${name} does not lead`, leading ? null : leader)
  }

  /** Syncs the log itself, and notes how much of it is synced and committed; what finds no room is done later. */
  async #note(): Promise<void> {
    const { logFile, stateFile } = this.#options
    try {
      await logFile.checkpoint()
      const { syncedBytes, syncedIndex } = logFile
      const commitIndex = Math.min(this.#appliedIndex, syncedIndex)
      const { state, saved } = stateFile
      if (this.#busy || (saved && state.syncedBytes === syncedBytes && state.commitIndex === commitIndex)) return
      await stateFile.save({ syncedBytes, commitIndex })
    } catch (error) {
      if (!isDiskFull(error)) this.#fail(error)
    }
  }

  #noteLater(): void {
    this.#noteTimer = this.#options.clock.setTimer(() => {
      this.#noteLater()
      void this.#note()
    }, noteMs)
  }

  #stopTimers(): void {
    this.#ticker.stop()
    for (const timer of [this.#noteTimer, this.#flushTimer]) if (timer !== null) this.#options.clock.clearTimer(timer)
  }

  #fail(error: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#stopTimers()
    this.#refuseAll()
    const { transport, fatal } = this.#options
    void transport.stop()
    fatal(error as Error)
    // Only where the process does not end with it.
    void transport.release()
  }
}

import type { Effects, Entry, Event, HardState, MemberId, Message } from '../src/index.ts'
import { Cluster, defaultTuning, entryOf, type Replica, type Tuning, textOf } from './cluster.ts'

/**
 * Scenarios are text: a block is commands, a line `----` and the trace that they cause; blocks are parted by blank lines and
 * play on one cluster, comments start with `#`. In a trace `4/2` is index 4 of term 2 and `3→1` a message from 3 to 1.
 *
 *   cluster N [key=value…]      N voters with empty logs; keys are those of `Tuning`
 *   new N                       N members that start without a folder
 *   disk M [term= vote= log=1,1,2 voting=no]   restarts M from such a disk; the log is given by its terms
 *   tick M [times] · campaign M (ticks M until it stands for election)
 *   deliver [from to [count]] · drop from to · cut from to · isolate M · heal
 *   propose M line… · read M id · status [M…]
 *   crash M… · start M… (with connections to all that run) · wipe M · rot M (keeps term and vote) · forget M (keeps the log) · lose M (both)
 *   closed M other · connected M other · pause M · resume M
 *   slow M (its disk: entries are durable only by `persist M [index]`)
 *   receive M type key=value…   hands M a message made by hand; see `handmade`
 *   quietly command             leaves the trace out
 */
export class Scenario {
  #cluster = new Cluster(0, defaultTuning, () => emptyDisk(true))
  #trace: string[] = []
  #quiet = false
  readonly #states = new Map<MemberId, string>()

  /** Plays the blocks of a file; returns the file with the traces that really came about. */
  play(text: string): string {
    const blocks = text.trimEnd().split(/\n\n+/)
    return `${blocks.map(block => this.#playBlock(block)).join('\n\n')}\n`
  }

  #playBlock(block: string): string {
    const lines = block.split('\n')
    const rule = lines.indexOf('----')
    const commands = rule < 0 ? lines : lines.slice(0, rule)
    this.#trace = []
    for (const line of commands) if (!line.startsWith('#')) this.#playLine(line.trim())
    if (rule < 0 && this.#trace.length === 0) return block
    return [...commands, '----', ...this.#trace].join('\n')
  }

  #playLine(line: string): void {
    const words = line.split(/\s+/)
    this.#quiet = words[0] === 'quietly'
    if (this.#quiet) words.shift()
    const [command = '', ...parameters] = words
    try {
      this.#run(command, parameters)
    } catch (error) {
      this.#trace.push(`error: ${(error as Error).message}`)
    }
  }

  #run(command: string, parameters: readonly string[]): void {
    const cluster = this.#cluster
    const numbers = parameters.map(Number)
    const [first = 0, second = 0, third] = numbers
    const commands: Record<string, () => void> = {
      cluster: () => this.#found(first, true, parameters.slice(1)),
      new: () => this.#found(first, false, parameters.slice(1)),
      disk: () => this.#setDisk(first, fieldsOf(parameters.slice(1))),
      tick: () => this.#tick(first, second || 1),
      campaign: () => this.#campaign(first),
      deliver: () => (parameters.length === 0 ? cluster.settle() : this.#deliver(first, second, third)),
      drop: () => cluster.queue(first, second).splice(0),
      cut: () => cluster.cut.add(`${first}-${second}`),
      isolate: () => this.#isolate(first),
      heal: () => cluster.cut.clear(),
      propose: () => cluster.step(first, { type: 'propose', payloads: parameters.slice(1) }),
      read: () => cluster.step(first, { type: 'read', id: second }),
      status: () => this.#status(parameters.length > 0 ? numbers : cluster.members),
      crash: () => this.#crash(numbers),
      start: () => this.#start(numbers),
      wipe: () => cluster.wipe(first),
      rot: () => cluster.rot(first),
      forget: () => cluster.forget(first),
      lose: () => cluster.lose(first),
      closed: () => cluster.step(first, { type: 'closed', member: second }),
      connected: () => cluster.step(first, { type: 'connected', member: second }),
      pause: () => this.#pause(first, true),
      resume: () => this.#pause(first, false),
      slow: () => this.#slow(first),
      persist: () => cluster.persist(first, second || cluster.replica(first).log.length),
      receive: () => this.#receive(first, parameters[1] ?? '', fieldsOf(parameters.slice(2))),
    }
    const run = commands[command]
    if (run === undefined) throw new Error(`no command ${command}`)
    run()
  }

  #found(size: number, voting: boolean, settings: readonly string[]): void {
    const tuning: Tuning = { ...defaultTuning, ...numbersOf(fieldsOf(settings)) }
    this.#states.clear()
    this.#cluster = new Cluster(
      size,
      tuning,
      () => emptyDisk(voting),
      (replica, event, effects) => this.#observe(replica, event, effects),
    )
    for (const replica of this.#cluster.replicas.values()) this.#states.set(replica.id, stateOf(replica))
  }

  #setDisk(id: MemberId, fields: Record<string, string>): void {
    const { term = 0, vote = 0 } = numbersOf(fields)
    const hardState: HardState = { term, vote: vote || null, voting: fields.voting !== 'no' }
    const replica = this.#cluster.replica(id)
    replica.disk = { hardState, entries: entriesOf(fields.log, 0) }
    this.#cluster.start(id)
    this.#states.set(id, stateOf(replica))
  }

  #tick(id: MemberId, times: number): void {
    for (let tick = 0; tick < times; tick += 1) this.#cluster.step(id, { type: 'tick' })
  }

  #campaign(id: MemberId): void {
    const ticksMax = 100
    for (let tick = 0; tick < ticksMax; tick += 1) {
      this.#tick(id, 1)
      if (this.#cluster.replica(id).raft?.role !== 'follower') return
    }
    throw new Error(`${id} does not campaign within ${ticksMax} ticks`)
  }

  #deliver(from: MemberId, to: MemberId, count: number | undefined): void {
    const waiting = this.#cluster.queue(from, to).length
    for (let message = 0; message < (count ?? waiting); message += 1) this.#cluster.deliver(from, to)
  }

  #isolate(id: MemberId): void {
    for (const other of this.#cluster.members) {
      this.#cluster.cut.add(`${id}-${other}`)
      this.#cluster.cut.add(`${other}-${id}`)
    }
  }

  #crash(ids: readonly MemberId[]): void {
    for (const id of ids) this.#cluster.crash(id)
  }

  #start(ids: readonly MemberId[]): void {
    for (const id of ids) {
      this.#cluster.start(id)
      this.#states.set(id, stateOf(this.#cluster.replica(id)))
      for (const other of this.#cluster.members) {
        if (other === id) continue
        this.#cluster.connect(other, id)
        this.#cluster.connect(id, other)
      }
    }
  }

  #pause(id: MemberId, paused: boolean): void {
    this.#cluster.replica(id).paused = paused
  }

  #slow(id: MemberId): void {
    this.#cluster.replica(id).slowDisk = true
  }

  #receive(id: MemberId, type: string, fields: Record<string, string>): void {
    this.#cluster.step(id, { type: 'message', message: handmade(id, type, fields) })
  }

  #status(ids: readonly MemberId[]): void {
    for (const id of ids) {
      const replica = this.#cluster.replica(id)
      const { raft, log, commitIndex, disk } = replica
      const terms = log
        .map(entry => (textOf(entry) === '' ? `${entry.term}` : `${entry.term}:${textOf(entry)}`))
        .join(' ')
      const state = raft === null ? 'is down' : stateOf(replica)
      const durable = disk.entries.length === log.length ? '' : `, durable ${disk.entries.length}`
      this.#trace.push(`${id} ${state}, commit ${commitIndex}, log [${terms}]${durable}`)
    }
  }

  /** Notes what a step did, in the order in which a driver does it. */
  #observe(replica: Replica, _event: Event, effects: Effects): void {
    const { id } = replica
    const state = stateOf(replica)
    const changed = this.#states.get(id) !== state
    this.#states.set(id, state)
    if (this.#quiet) return
    const { hardState, truncateFrom, append, send, commitIndex, reads, readsRefused } = effects
    const note = (text: string) => this.#trace.push(`${id} ${text}`)
    if (hardState !== null) {
      const { term, vote, voting } = hardState
      note(`saves term ${term}, vote ${vote ?? 'free'}${voting ? '' : ', not voting'}`)
    }
    if (changed) note(state)
    if (truncateFrom !== null) note(`truncates from ${truncateFrom}`)
    if (append.length > 0) note(`appends ${append.map(({ index, term }) => `${index}/${term}`).join(' ')}`)
    for (const message of send) this.#trace.push(described(message))
    if (commitIndex > replica.commitIndex) note(`commits up to ${commitIndex}`)
    for (const { id: read, index } of reads) note(`confirms read ${read} at ${index}`)
    for (const read of readsRefused) note(`refuses read ${read}`)
  }
}

function emptyDisk(voting: boolean): { hardState: HardState; entries: Entry[] } {
  return { hardState: { term: 0, vote: null, voting }, entries: [] }
}

function stateOf({ raft }: Replica): string {
  if (raft === null) return 'is down'
  const { role, leader, term } = raft
  const following = leader === null || role === 'leader' ? '' : ` of ${leader}`
  return `is ${role}${following} in term ${term}`
}

function fieldsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map(word => word.split('=') as [string, string]))
}

function numbersOf(fields: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, Number(value)]))
}

/** Entries after `index`, given by their terms. */
function entriesOf(terms: string | undefined, index: number): Entry[] {
  if (terms === undefined || terms === '') return []
  return terms.split(',').map((term, position) => entryOf(index + position + 1, Number(term), ''))
}

/**
 * A message by hand, in the words of the trace: `append from= term= after=index/term terms=2,2 commit= round=`,
 * `vote|preVote from= term= log=index/term`, `granted|preGranted|denied|preDenied from= term= last=`,
 * `accepted from= term= upTo= round=`, `refused from= term= back=index/term round=`.
 */
function handmade(to: MemberId, type: string, fields: Record<string, string>): Message {
  const { from = 0, term = 0, commit = 0, round = 1, upTo = 0, last = 0 } = numbersOf(fields)
  const pair = (text = '0/0') => text.split('/').map(Number) as [number, number]
  const envelope = { from, to, term }
  switch (type) {
    case 'append': {
      const [prevIndex, prevTerm] = pair(fields.after)
      const entries = entriesOf(fields.terms, prevIndex)
      const range = { prevIndex, prevTerm, count: entries.length, entries }
      return { type: 'appendRequest', ...envelope, ...range, commitIndex: commit, round }
    }
    case 'vote':
    case 'preVote': {
      const [lastIndex, lastTerm] = pair(fields.log)
      return { type: `${type}Request`, ...envelope, lastIndex, lastTerm }
    }
    case 'granted':
    case 'denied':
      return { type: 'voteResponse', ...envelope, granted: type === 'granted', lastIndex: last }
    case 'preGranted':
    case 'preDenied':
      return { type: 'preVoteResponse', ...envelope, granted: type === 'preGranted', lastIndex: last }
    case 'accepted':
    case 'refused': {
      const [conflictIndex, conflictTerm] = pair(fields.back)
      const answer = { accepted: type === 'accepted', matchIndex: upTo, conflictIndex, conflictTerm }
      return { type: 'appendResponse', ...envelope, ...answer, round }
    }
    default:
      throw new Error(`no message ${type}`)
  }
}

function described(message: Message): string {
  const { from, to, term } = message
  return `${from}→${to} term ${term} ${contentOf(message)}`
}

function contentOf(message: Message): string {
  switch (message.type) {
    case 'preVoteRequest':
      return `pre-vote? log ${message.lastIndex}/${message.lastTerm}`
    case 'voteRequest':
      return `vote? log ${message.lastIndex}/${message.lastTerm}`
    case 'preVoteResponse':
      return `pre-vote ${message.granted ? 'granted' : 'denied'}, last ${message.lastIndex}`
    case 'voteResponse':
      return `vote ${message.granted ? 'granted' : 'denied'}, last ${message.lastIndex}`
    case 'appendRequest': {
      const { prevIndex, prevTerm, count, commitIndex, round } = message
      const entries =
        count === 0 ? 'nothing' : count === 1 ? `${prevIndex + 1}` : `${prevIndex + 1}…${prevIndex + count}`
      return `append ${entries} after ${prevIndex}/${prevTerm}, commit ${commitIndex}, round ${round}`
    }
    case 'appendResponse': {
      const { accepted, matchIndex, conflictIndex, conflictTerm, round } = message
      return accepted
        ? `accepted up to ${matchIndex}, round ${round}`
        : `refused back to ${conflictIndex}/${conflictTerm}, round ${round}`
    }
  }
}

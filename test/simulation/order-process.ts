import { dirname, join } from 'node:path'
import { LineCursor, type OrderStatus } from '@bazaar/client'
import { DurableJSONFile } from '@bazaar/service'
import { Ledger } from '../../apps/order/src/ledger.ts'
import { LogFeed } from '../../apps/order/src/log-feed.ts'
import { OrderReader } from '../../apps/order/src/order-reader.ts'
import { entriesPerAppendMax, RaftLog } from '../../apps/order/src/raft-log/driver.ts'
import { recover } from '../../apps/order/src/raft-log/recovery.ts'
import type { StoredState } from '../../apps/order/src/raft-log/state-file.ts'
import type { ReplicatedLog } from '../../apps/order/src/replicated-log.ts'
import { Sequencer } from '../../apps/order/src/sequencer.ts'
import { type DiskHealth, SimulatedDisk } from './disk.ts'
import type { Life } from './life.ts'
import { PeerTransport } from './peer-transport.ts'
import type { PlantedBug } from './planted-bug.ts'
import type { World } from './world.ts'

export interface OrderProcessOptions {
  readonly world: World
  readonly life: Life
  readonly health: DiskHealth
  readonly bug: PlantedBug
  /** The process cannot go on. */
  readonly fatal: (error: Error) => void
}

export const dataFolder = '/data'

/** Files of an order replica. */
export const logPathOf = (name: string): string => join(dataFolder, name, 'log.jsonl')
export const ringPathOf = (name: string): string => join(dataFolder, name, 'log.ring')
/** Three or four orders: so few that the simulated logs go round it many times. */
const ringBytes = 512
/** A few lines each: so few that much is read from the file, and that memory is soon used for something else. */
const recentSizes = { linesMin: 4, slabBytes: 256 }
export const statePathOf = (name: string): string => join(dataFolder, name, 'state.json')

/** Puts an order replica together as its `main` does, but over simulated ports, and starts it. */
export async function startOrderProcess(options: OrderProcessOptions): Promise<void> {
  const { world, life, health, bug, fatal } = options
  const { files, random, scheduler, witness, trace } = world
  const { name } = life
  const id = numberOf(name)
  const source = random.fork(`${name} at ${scheduler.now}`)
  const disk = new SimulatedDisk({ files, life, health, random: source.fork('disk') })
  const opened: { log: RaftLog | null } = { log: null }
  const leads = (): boolean => opened.log?.leadership.leading === true
  const lineAt = (index: number): Buffer => (opened.log as RaftLog).lines(index, index)
  const ledger = new (bug.ledger ?? Ledger)(lineAt, source.below(2 ** 32))
  let folded = 0
  const { logFile, stateFile } = await recover({
    disk: bug.disk?.(disk.forLog, leads) ?? disk.forLog,
    logPath: logPathOf(name),
    ringPath: ringPathOf(name),
    ringBytes,
    recentSizes,
    stateAdapter: await DurableJSONFile.open<StoredState | null>(statePathOf(name), disk.forSmallFiles),
    replicas: world.replicas.length,
    fold: {
      apply: (line, last) => {
        witness.committed(name, ++folded, line.text)
        ledger.apply(line, last)
      },
      reset: () => {
        folded = 0
        ledger.reset()
      },
    },
    timestamp: () => String(scheduler.now),
    warn: message => trace.note(`${name}: ${message}`),
  })
  await bug.recovered?.({ logFile, stateFile })
  const transport = new PeerTransport({
    id,
    members: world.replicas.map(numberOf),
    nameOf: member => `order-${member}`,
    entriesPerAppendMax,
    life,
    network: world.network,
    peers: world.peers,
    now: () => scheduler.now,
    trace: text => trace.message(text),
  })
  const log = new RaftLog({
    id,
    members: world.replicas.map(numberOf),
    nameOf: member => `order-${member}`,
    logFile,
    stateFile,
    transport: bug.transport?.(transport, id, world.replicas.length) ?? transport,
    clock: life.clock,
    random: source.fork('raft').next,
    fatal,
  })
  opened.log = log
  const seen: ReplicatedLog = bug.log?.(log) ?? log
  const readLog = bug.readLog?.(log) ?? log
  const feed = new LogFeed(log, life.clock)
  const sequencer = new Sequencer(seen, ledger, () => feed.advance())
  observe(log, name, world)

  const status = (): OrderStatus => {
    const { leader, term } = log.leadership
    const { appliedIndex, accepting } = log
    return { name, ...log.status, term, leader, appliedIndex, orders: ledger.orders, diskFull: !accepting, rssMiB: 0 }
  }
  const reader = new OrderReader(readLog, ledger)
  const service = {
    execute: sequencer.execute.bind(sequencer),
    order: (number: number) => reader.read(number),
    status,
    log: (after: number, sink: object) => feed.add(sink as Parameters<LogFeed['add']>[0], after),
  }
  world.orders.serve(life, service)
  world.logs.serve(life, service)
  world.probes.set(name, {
    leadership: () => log.leadership,
    voting: () => stateFile.state.voting,
    durable: () => {
      const { lastIndex, syncedBytes } = logFile
      return syncedBytes === logFile.offsetOf(lastIndex + 1) ? lastIndex : stateFile.state.commitIndex
    },
    lastIndex: () => logFile.lastIndex,
    appliedIndex: () => log.appliedIndex,
    syncedBytesNoted: () => (stateFile.saved ? stateFile.state.syncedBytes : 0),
    products: () => ledger.products(),
  })
  life.onEnd(() => world.probes.delete(name))
  await log.start()
  trace.note(`${name} runs with ${logFile.lastIndex} entries${stateFile.state.voting ? '' : ', without a vote'}`)
}

/** Listens between the log and whoever hears of it. */
function observe(log: RaftLog, name: string, { witness, trace }: World): void {
  const { onCommitted, onLeadership } = log
  log.onCommitted = (lines, last) => {
    const heard = new LineCursor(lines.bytes)
    const texts: string[] = []
    while (heard.next()) texts.push(heard.text)
    const before = log.appliedIndex - texts.length
    for (const [place, text] of texts.entries()) witness.committed(name, before + place + 1, text)
    onCommitted(lines, last)
  }
  log.onLeadership = leadership => {
    const { leading, leader, term } = leadership
    if (leading) witness.leads(name, term)
    if (leading) trace.note(`${name} leads in term ${term}`)
    else trace.message(`${name} follows ${leader} in term ${term}`)
    onLeadership(leadership)
  }
}

export function numberOf(name: string): number {
  return Number(name.split('-')[1])
}

export function folderOf(name: string): string {
  return dirname(logPathOf(name))
}

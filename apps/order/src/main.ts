import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type OrderStatus, socketPath, systemClock } from '@bazaar/client/contract'
import { DurableJSONFile, rssMiB, runMain, startService, syncFolder } from '@bazaar/service'
import { orderApp } from './app.ts'
import { orderConfig } from './config.ts'
import { Ledger } from './ledger.ts'
import { LogFeed } from './log-feed.ts'
import type { Node } from './node.ts'
import { realDisk } from './raft-log/disk.ts'
import { entriesPerAppendMax, RaftLog } from './raft-log/driver.ts'
import { recover } from './raft-log/recovery.ts'
import type { StoredState } from './raft-log/state-file.ts'
import { UnixTransport } from './raft-log/transport.ts'
import { Sequencer } from './sequencer.ts'

/** Levels of the log, as pino has them. */
const [warning, fatal] = [40, 60]

await runMain(async () => {
  const { name, id, data, replicas, supervised } = orderConfig()
  const folder = join(data, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await syncFolder(data)
  const say = (level: number, msg: string): void => console.log(JSON.stringify({ level, name, msg }))

  const nameOf = (member: number): string => `order-${member}`
  const members = Array.from({ length: replicas }, (_, place) => place + 1)
  const transport = new UnixTransport({
    id,
    members,
    entriesPerAppendMax,
    clock: systemClock,
    socketOf: member => socketPath(data, `${nameOf(member)}.peer`),
  })
  await transport.claim()

  // The ledger reads orders back from the log, and the log is opened by folding it into the ledger.
  const opened: { log: RaftLog | null } = { log: null }
  const lineAt = (index: number): Buffer => (opened.log as RaftLog).lines(index, index)
  const ledger = new Ledger(lineAt, randomInt(2 ** 32))
  const { logFile, stateFile } = await recover({
    disk: realDisk,
    logPath: join(folder, 'log.jsonl'),
    ringPath: join(folder, 'log.ring'),
    stateAdapter: await DurableJSONFile.open<StoredState | null>(join(folder, 'state.json')),
    replicas,
    fold: ledger,
    timestamp: () => new Date().toISOString().replaceAll(':', ''),
    warn: message => say(warning, message),
  })
  const log = new RaftLog({
    id,
    members,
    nameOf,
    logFile,
    stateFile,
    transport,
    clock: systemClock,
    random: Math.random,
    fatal: error => {
      say(fatal, `cannot go on: ${error.stack}`)
      process.exit(1)
    },
  })
  opened.log = log
  const feed = new LogFeed(log, systemClock)
  const sequencer = new Sequencer(log, ledger, () => feed.advance())

  const status = (): OrderStatus => {
    const { leader, term } = log.leadership
    const { appliedIndex, accepting } = log
    return {
      name,
      ...log.status,
      term,
      leader,
      appliedIndex,
      orders: ledger.orders,
      diskFull: !accepting,
      rssMiB: rssMiB(),
    }
  }
  const node: Node = { log, ledger, sequencer, feed, status }
  const app = orderApp(name, node)
  await startService({
    listeners: [{ app, listen: { socket: socketPath(data, name) } }],
    supervised,
    onStop: () => log.stop(),
  })
  await log.start()
})

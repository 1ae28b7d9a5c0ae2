import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeFact, type Fact, LineCursor } from '@bazaar/client/contract'
import { DurableJSONFile } from '@bazaar/service'
import { Ledger } from './ledger.ts'
import { realDisk } from './raft-log/disk.ts'
import type { LogFile } from './raft-log/log-file.ts'
import { recover } from './raft-log/recovery.ts'
import { Sealer } from './raft-log/sealer.ts'
import type { State, StoredState } from './raft-log/state-file.ts'

/**
 * `node preload.js --data FOLDER --orders N [--replicas 3]`: appends N orders to the logs of a stopped cluster through
 * the storage code, fast, so that growth can be measured. Order i buys one unit of the (i mod products)th product with
 * the key `preload-<number>`; a product that runs low is stocked first.
 */

const entriesPerFlush = 20_000
const stockQuantity = 1_000_000

interface Replica {
  readonly logPath: string
  readonly logFile: LogFile
  readonly ledger: Ledger
  save(state: Partial<State>): Promise<void>
}

async function open(data: string, name: string, replicas: number): Promise<Replica> {
  const folder = join(data, name)
  const logPath = join(folder, 'log.jsonl')
  await mkdir(folder, { recursive: true })
  const opened: { log?: LogFile } = {}
  const ledger = new Ledger(index => (opened.log as LogFile).read(index, index), 1)
  const { logFile, stateFile } = await recover({
    disk: realDisk,
    logPath,
    ringPath: join(folder, 'log.ring'),
    stateAdapter: await DurableJSONFile.open<StoredState | null>(join(folder, 'state.json')),
    replicas,
    fold: ledger,
    timestamp: () => String(Date.now()),
    warn: message => console.error(`${name}: ${message}`),
  })
  opened.log = logFile
  for (let index = ledger.appliedIndex + 1; index <= logFile.lastIndex; index++)
    apply(ledger, logFile.read(index, index))
  return { logPath, logFile, ledger, save: state => stateFile.save(state) }
}

function apply(ledger: Ledger, lines: Buffer): void {
  const line = new LineCursor(lines)
  while (line.next()) ledger.apply(line)
}

async function append({ logFile, ledger }: Replica, orders: number): Promise<void> {
  const names = ledger.products().map(({ name }) => name)
  if (names.length === 0) throw new Error('the log has no products: start the cluster once, then preload')
  const term = logFile.termRuns.at(-1)?.term ?? 1
  const sealer = new Sealer()
  const add = (fact: Fact): void => {
    const entry = sealer.seal(logFile.lastIndex + 1, term, encodeFact(fact))
    logFile.append([entry])
    apply(ledger, logFile.read(entry.index, entry.index))
  }
  for (let done = 0; done < orders; done++) {
    const name = names[done % names.length] as string
    const { price, quantity } = ledger.product(name) as { price: number; quantity: number }
    const number = ledger.orders + 1
    if (quantity < 10) add({ type: 'stock', name, quantity: stockQuantity, key: `preload-stock-${number}` })
    add({ type: 'buy', number, name, quantity: 1, price, key: `preload-${number}` })
    if (done % entriesPerFlush === 0) await logFile.flush()
  }
  await logFile.flush()
  await logFile.checkpoint()
}

/** Synced before a state may say so. */
async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  const file = await realDisk.open(to)
  await file.syncInThread()
  file.close()
}

const { values } = parseArgs({
  options: { data: { type: 'string' }, orders: { type: 'string' }, replicas: { type: 'string', default: '3' } },
})
const { data, orders, replicas } = values
if (data === undefined || !/^[1-9][0-9]*$/.test(orders ?? '') || !/^[1-9]$/.test(replicas)) {
  console.error('usage: preload --data FOLDER --orders N [--replicas 3]')
  process.exit(2)
}
const names = Array.from({ length: Number(replicas) }, (_, place) => `order-${place + 1}`)
const opened = await Promise.all(names.map(name => open(data, name, names.length)))
const longest = opened.reduce((one, other) => (other.logFile.lastIndex > one.logFile.lastIndex ? other : one))
await append(longest, Number(orders))
const { logFile } = longest
for (const { logPath, save } of opened) {
  if (logPath !== longest.logPath) await copyDurably(longest.logPath, logPath)
  await save({ voting: true, syncedBytes: logFile.syncedBytes, commitIndex: logFile.lastIndex })
}
console.log(JSON.stringify({ orders: longest.ledger.orders, lastIndex: logFile.lastIndex, bytes: logFile.syncedBytes }))

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LogEntry } from '@bazaar/client'
import type { Acknowledged } from './chaos-record.ts'

/** The SHA-256 of each replica's `log.jsonl`, as `sha256sum` prints it. */
export async function hashLogs(data: string, replicas: readonly string[]): Promise<string[]> {
  return Promise.all(replicas.map(replica => hashFile(join(data, replica, 'log.jsonl'))))
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** Reads a replica's log from its file. Throws with the line's number when a line is no JSON. */
export async function readLog(data: string, replica: string): Promise<LogEntry[]> {
  const path = join(data, replica, 'log.jsonl')
  const entries: LogEntry[] = []
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    try {
      entries.push(JSON.parse(line))
    } catch (error) {
      throw new Error(`${path}: line ${entries.length + 1}: ${(error as Error).message}`)
    }
  }
  return entries
}

/** What the log says about the orders that clients were told they have. */
export interface LogAudit {
  /** Acknowledged orders that are not in the log. */
  lost: number
  /** Acknowledged orders that the log has otherwise, and numbers with a gap. */
  wrong: number
  /** Orders beyond the first under one key, and numbers given twice. */
  duplicated: number
  /** Units of each product that the log leaves in stock. */
  stock: ReadonlyMap<string, number>
  /** The first few faults found, for people. */
  examples: string[]
}

const examplesMax = 10

/** Checks a whole committed log against the acknowledged orders (I1, I2) and adds its stock up (I3). */
export function auditLog(entries: readonly LogEntry[], acknowledged: readonly Acknowledged[]): LogAudit {
  const audit: LogAudit = { lost: 0, wrong: 0, duplicated: 0, stock: new Map(), examples: [] }
  const complain = (kind: 'lost' | 'wrong' | 'duplicated', text: string): void => {
    audit[kind] += 1
    if (audit.examples.length < examplesMax) audit.examples.push(`${kind}: ${text}`)
  }
  const { stock, orders } = fold(entries, complain)
  audit.stock = stock
  const keyOfNumber = new Map<number, string>()
  for (const { order, key } of acknowledged) {
    const found = orders.get(order.number)
    if (found === undefined) complain('lost', `order ${order.number}, key ${key}`)
    else if (found !== identity(order, key)) complain('wrong', `acknowledged ${identity(order, key)}, log ${found}`)
    const other = keyOfNumber.get(order.number)
    if (other !== undefined && other !== key) complain('duplicated', `order ${order.number}: keys ${other}, ${key}`)
    keyOfNumber.set(order.number, key)
  }
  return audit
}

type Complain = (kind: 'wrong' | 'duplicated', text: string) => void

interface Folded {
  stock: Map<string, number>
  /** Number to identity. */
  orders: Map<number, string>
}

function fold(entries: readonly LogEntry[], complain: Complain): Folded {
  const stock = new Map<string, number>()
  const orders = new Map<number, string>()
  const keys = new Set<string>()
  for (const entry of entries) {
    if (entry.type === 'noop' || entry.type === 'seeded') continue
    if (keys.has(entry.key)) complain('duplicated', `key ${entry.key} at index ${entry.index}`)
    keys.add(entry.key)
    const before = stock.get(entry.name) ?? 0
    if (entry.type === 'product') {
      if (!stock.has(entry.name)) stock.set(entry.name, entry.quantity ?? 0)
      continue
    }
    const left = before + (entry.type === 'buy' ? -entry.quantity : entry.quantity)
    if (left < 0) complain('wrong', `${entry.name} has ${left} units in stock at index ${entry.index}`)
    stock.set(entry.name, left)
    if (entry.type === 'stock') continue
    if (entry.number !== orders.size + 1) complain('wrong', `order ${entry.number} follows order ${orders.size}`)
    orders.set(entry.number, identity(entry, entry.key))
  }
  return { stock, orders }
}

type OrderFields = { number: number; name: string; type: string; quantity: number; price: number }

const identity = ({ number, name, type, quantity, price }: OrderFields, key: string): string =>
  JSON.stringify({ number, name, type, quantity, price, key })

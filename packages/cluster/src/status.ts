import { type CatalogStatus, type FrontendStatus, type OrderStatus, socketPath } from '@bazaar/client'
import { ask } from './ask.ts'
import type { ProcessState } from './managed-process.ts'
import { serviceOf } from './topology.ts'

/** A process that has not told its status by then is shown without it. */
const statusTimeoutMs = 500

/** One process as `bazaar status` shows it. What the process itself would have to tell is null while it does not. */
export interface ProcessStatus {
  name: string
  pid: number | null
  state: ProcessState
  /** Of an order replica: `leader`, `follower`, `candidate` or `learner`. */
  role: OrderStatus['role'] | null
  term: number | null
  /** Log indexes, of an order replica. */
  lastIndex: number | null
  commitIndex: number | null
  /** The log index up to which an order replica or a catalog has applied the log. */
  appliedIndex: number | null
  rssMiB: number | null
}

/** `bazaar status --json`. `leader` is the replica that leads in the highest term, or null. */
export interface ClusterStatus {
  url: string
  data: string
  leader: string | null
  processes: ProcessStatus[]
}

type Known = { name: string; pid: number | null; state: ProcessState }

/** Asks every process that runs for its status, all at once, for at most `statusTimeoutMs`. Never rejects. */
export async function statusOf(data: string, processes: readonly Known[]): Promise<ProcessStatus[]> {
  return Promise.all(processes.map(process => statusOfProcess(data, process)))
}

/** The name of the order replica that leads in the highest term, or null. */
export function leaderAmong(processes: readonly ProcessStatus[]): string | null {
  const leaders = processes.filter(process => process.role === 'leader')
  leaders.sort((one, other) => (other.term ?? 0) - (one.term ?? 0))
  return leaders[0]?.name ?? null
}

async function statusOfProcess(data: string, { name, pid, state }: Known): Promise<ProcessStatus> {
  const unknown = { role: null, term: null, lastIndex: null, commitIndex: null, appliedIndex: null, rssMiB: null }
  const status: ProcessStatus = { name, pid, state, ...unknown }
  if (state !== 'up') return status
  try {
    const { status: code, body } = await ask(socketPath(data, name), '/status', { timeoutMs: statusTimeoutMs })
    if (code !== 200) return status
    return { ...status, ...ownWords(name, body) }
  } catch {
    return status
  }
}

function ownWords(name: string, body: unknown): Partial<ProcessStatus> {
  const service = serviceOf(name)
  if (service === 'order') {
    const { role, term, lastIndex, commitIndex, appliedIndex, rssMiB } = body as OrderStatus
    return { role, term, lastIndex, commitIndex, appliedIndex, rssMiB }
  }
  if (service === 'catalog') {
    const { appliedIndex, rssMiB } = body as CatalogStatus
    return { appliedIndex, rssMiB }
  }
  return { rssMiB: (body as FrontendStatus).rssMiB }
}

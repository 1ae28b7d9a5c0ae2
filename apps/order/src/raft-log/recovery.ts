import type { LineCursor } from '@bazaar/client/contract'
import { unknownVote } from '@bazaar/raft'
import type { Adapter } from 'lowdb'
import type { Disk } from './disk.ts'
import { LogFile, type RecentSizes, RotError } from './log-file.ts'
import { Ring } from './ring.ts'
import { type State, StateFile, type StoredState, unknownState } from './state-file.ts'

/** What is folded while the log is read: it must be able to begin again when the log turns out to be rotten. */
interface Fold {
  /** Is given each line up to the entry `last`, in order. */
  apply(line: LineCursor, last: number): void
  reset(): void
}

export interface RecoveryOptions {
  readonly disk: Disk
  readonly logPath: string
  readonly ringPath: string
  /** The ring's length where it is not the usual one. */
  readonly ringBytes?: number
  /** How much of the log is kept in memory where it is not the usual. */
  readonly recentSizes?: RecentSizes
  /** Holds `state.json`; must be durable when a write resolves. */
  readonly stateAdapter: Adapter<StoredState | null>
  /** How many there are, this one included: the same number for ever. */
  readonly replicas: number
  /** Is given the lines that are known to be committed. */
  readonly fold: Fold
  /** What a log that is set aside is called after. */
  readonly timestamp: () => string
  readonly warn: (message: string) => void
}

/**
 * Opens log and state after any kind of end. The member comes back non-voting when it may have forgotten something that
 * it said: its state is gone or cannot be trusted, its log is gone, or the synced part of its log is damaged. The rest,
 * a tail that a crash tore, was never acknowledged and is cut off; but not where the state that tells the two apart is
 * gone, too.
 *
 * @throws Error when the data are of a cluster of another size
 */
export async function recover(options: RecoveryOptions): Promise<{ logFile: LogFile; stateFile: StateFile }> {
  const { disk, logPath, warn } = options
  const logExists = await disk.exists(logPath)
  const { file: stateFile, found } = await StateFile.open(options.stateAdapter, options.replicas)
  if (!found && logExists) warn('state.json is missing or damaged: this replica does not vote until it has caught up')
  if (found && !logExists) {
    warn('log.jsonl is gone: starting empty, without a vote until caught up')
    await stateFile.save(lost(stateFile.state))
  }
  const { voting, term, vote } = stateFile.state
  const ring = await Ring.open(disk, options.ringPath, options.ringBytes)
  // What it holds belongs to a log that is not there.
  if (!logExists) await ring?.clear()
  const { commitIndex, syncedBytes } = stateFile.state
  const file = await disk.open(logPath)
  let logFile = new LogFile(file, ring, options.recentSizes)
  // A state that was lost once knows no term until the others have told it, and before that nothing of the log.
  const knowsTerm = term > 0 && vote !== unknownVote
  // A term is in the state before it is in the log: such a state is an old copy, or the log is another replica's.
  const isOld = () => knowsTerm && logFile.lastTerm > term
  let index = 0
  let isSetAside = false
  try {
    const onLine = (line: LineCursor) => {
      if (++index <= commitIndex) options.fold.apply(line, commitIndex)
    }
    await logFile.recover(knowsTerm ? syncedBytes : null, onLine, term)
  } catch (error) {
    if (!(error instanceof RotError)) throw error
    const aside = `${logPath}.corrupt-${options.timestamp()}`
    warn(`${error.message}: set aside as ${aside}; starting empty, without a vote until caught up`)
    options.fold.reset()
    file.close()
    const isForgetful = !knowsTerm || isOld()
    const save = () => stateFile.save(lost(stateFile.state, logFile.lastTerm))
    // A crash between the two must leave either a state that misses its log, or one that says that it lost it.
    if (isForgetful) await save()
    await disk.rename(logPath, aside)
    if (!isForgetful) await save()
    isSetAside = true
    await ring?.clear()
    logFile = new LogFile(await disk.open(logPath), ring, options.recentSizes)
  }
  if (logExists && !isSetAside && !voting && term > 0 && logFile.lastIndex === 0) {
    warn('the log was lost before this start: starting empty, without a vote until caught up')
  }
  if (isOld()) {
    warn('state.json is older than log.jsonl: this replica does not vote until it has caught up')
    options.fold.reset()
    await stateFile.save(unknownState)
  }
  if (!found) await stateFile.save({})
  return { logFile, stateFile }
}

/**
 * The state of a replica whose log was lost. Where the term is forgotten, too, one must be noted that has begun for sure:
 * this is no new replica, and may found no new cluster.
 */
function lost({ term }: State, termBegun = 0): Partial<State> {
  const nothing = { voting: false, syncedBytes: 0, commitIndex: 0 }
  return term > 0 && term >= termBegun ? nothing : { ...nothing, term: Math.max(1, termBegun), vote: unknownVote }
}

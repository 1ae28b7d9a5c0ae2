import assert from 'node:assert/strict'
import { LineCursor, type Place } from '@bazaar/client/contract'
import type { Entry, TermRun } from '@bazaar/raft'
import { isDiskFull } from '@bazaar/service'
import { NumberColumn } from '../number-column.ts'
import { linesTogetherMax } from '../replicated-log.ts'
import type { DiskFile } from './disk.ts'
import { LogSync } from './log-sync.ts'
import { RecentBytes } from './recent-bytes.ts'
import type { Ring } from './ring.ts'

/** So many lines at least are kept in memory, so that followers and feeds are served without reading the file. */
export const recentLinesMin = 1024
/** They stand in pieces of this length, which are forgotten as a whole. */
const slabBytes = 1 << 18
/** Bytes that recovery reads at a time. */
const recoveryChunkBytes = 1 << 16
const stretchEntries = 1 << 16
/** More than this at once goes to the log itself: who writes so much is catching up, and would go round the ring in no time. */
const ringWriteBytesMax = 1 << 15

/** How much of the log is kept in memory. */
export interface RecentSizes {
  readonly linesMin: number
  readonly slabBytes: number
}

const usualSizes: RecentSizes = { linesMin: recentLinesMin, slabBytes }

const noBytes = new Uint8Array()

/** The log failed its checksum where it was known to be synced. */
export class RotError extends Error {
  override readonly name = 'RotError'
}

/**
 * `log.jsonl`: one entry a line, the leader's bytes on every replica. Appending is in memory at once, `flush` makes it
 * durable: on the ring, if there is one, from where a start after a power cut takes what the log itself has lost.
 * Offsets are kept as 4 bytes an entry.
 */
export class LogFile {
  readonly #file: DiskFile
  readonly #ring: Ring | null
  /** Byte offset of each entry, from the start of its stretch; and of each stretch of 65,536 entries. */
  readonly #offsets = new NumberColumn()
  readonly #stretchOffsets: number[] = []
  readonly #termRuns: TermRun[] = []
  /** The last lines, and all that are not in the file yet. */
  #recent: RecentBytes
  readonly #recentSizes: RecentSizes
  /** The last entry that is in the file. */
  #writtenIndex = 0
  #bytes = 0
  readonly #sync: LogSync
  /** From `syncedBytes` up to here, if that is further, the ring has everything. */
  #ringedBytes = 0

  /** The file must be empty or followed by `recover`. */
  constructor(file: DiskFile, ring: Ring | null = null, recentSizes: RecentSizes = usualSizes) {
    this.#file = file
    this.#ring = ring
    this.#recentSizes = recentSizes
    this.#recent = new RecentBytes(0, recentSizes.slabBytes)
    this.#sync = new LogSync(file, () => ({ bytes: file.size, index: this.#writtenIndex }))
  }

  get lastIndex(): number {
    return this.#offsets.length
  }

  get termRuns(): readonly TermRun[] {
    return this.#termRuns
  }

  /** Of the last entry; 0 when the log is empty. */
  get lastTerm(): number {
    return this.#termRuns.at(-1)?.term ?? 0
  }

  /** Length of the file that is known to be on disk. The ring may hold more. */
  get syncedBytes(): number {
    return this.#sync.synced.bytes
  }

  /** The last entry within `syncedBytes`. */
  get syncedIndex(): number {
    return this.#sync.synced.index
  }

  /**
   * Reads the whole file and calls `onLine` with a cursor at each good line. A bad line at or after `syncedBytes` is the
   * unsynced tail of a crash: the file is cut there, and what the ring has of it is put back. Before it, or when the file
   * is shorter, it is rot ("Protocol-Aware Recovery", FAST '18). Null, where that was forgotten, or a line of a newer term
   * than `term`, which tells that the note is an old one: a bad line may be either, and is taken for rot unless the ring
   * has all from there on.
   * @throws RotError with the place
   */
  async recover(
    syncedBytes: number | null,
    onLine: (line: LineCursor) => void,
    term = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    // What a line lacks at the end of a chunk is read again with the next.
    while (this.#recoverLines(this.#file.read(this.#bytes, recoveryChunkBytes), onLine) > 0);
    const goodBytes = this.#bytes
    const bad = `log.jsonl is bad from byte ${goodBytes} on`
    if (syncedBytes !== null && goodBytes < syncedBytes) {
      throw new RotError(`${bad}, though ${syncedBytes} bytes were synced`)
    }
    const ringed = this.#ring?.read(goodBytes)
    const lost = ringed?.subarray(0, this.#recoverLines(ringed, onLine)) ?? noBytes
    const isForgotten = syncedBytes === null || this.lastTerm > term
    if (isForgotten && goodBytes + lost.length < this.#file.size) {
      throw new RotError(`${bad}, and how much was synced is forgotten`)
    }
    if (goodBytes < this.#file.size) this.#file.truncate(goodBytes)
    if (lost.length > 0) this.#file.append(lost)
    this.#writtenIndex = this.lastIndex
    this.#recent = new RecentBytes(this.#bytes, this.#recentSizes.slabBytes)
    // What survived in the page cache counts as durable from here on, so it has to be. An fsync that failed before the
    // restart left pages that are marked clean and were never written; they have to be made dirty again ("Can
    // Applications Recover from fsync Failures?", ATC '20).
    this.#file.rewrite(syncedBytes ?? 0)
    await this.#sync.inThread().catch(failSync)
    // What the ring has beyond was not durable, and may be followed by lines that still look like the log's.
    await this.#ring?.clear()
  }

  /** Takes the good lines at the start of the bytes; returns their length. */
  #recoverLines(bytes: Buffer, onLine: (line: LineCursor) => void): number {
    const line = new LineCursor(bytes)
    let good = 0
    while (line.next() && line.verify() && line.index === this.lastIndex + 1) {
      if (line.term < this.lastTerm) break
      this.#push(line, line.end - line.start)
      onLine(line)
      good = line.end
    }
    return good
  }

  /** Adds entries in memory; they are written and durable after the next `flush`. */
  append(entries: readonly Entry[]): void {
    let bytes: Uint8Array = noBytes
    let [start, end] = [0, 0]
    for (const entry of entries) {
      assert.equal(entry.index, this.lastIndex + 1, 'the log has no gaps')
      this.#push(entry, entry.end - entry.start)
      // Lines that stand one behind the other, as those of a message do, are copied as one.
      if (entry.bytes !== bytes || entry.start !== end) {
        this.#recent.append(bytes, start, end)
        bytes = entry.bytes
        start = entry.start
      }
      end = entry.end
    }
    this.#recent.append(bytes, start, end)
  }

  #forgetOldLines(): void {
    const kept = Math.min(this.#writtenIndex + 1, this.lastIndex - this.#recentSizes.linesMin + 1)
    if (kept > 0) this.#recent.forget(this.offsetOf(kept))
  }

  #push({ index, term }: Place, bytes: number): void {
    const place = index - 1
    if (place % stretchEntries === 0) this.#stretchOffsets[place / stretchEntries] = this.#bytes
    this.#offsets.push(this.#bytes - (this.#stretchOffsets[Math.floor(place / stretchEntries)] as number))
    this.#bytes += bytes
    if (this.#termRuns.at(-1)?.term !== term) this.#termRuns.push({ from: index, term })
  }

  /**
   * Writes and syncs all that was appended before the call; gives the index up to which the log is durable, at once where
   * the disk is quick, which says nothing of entries that take the place of some truncated meanwhile. One flush at a time.
   * Throws with code `ENOSPC` when the disk is full: nothing is lost, flush again later. Any other error is final.
   */
  flush(): number | Promise<number> {
    let inRing = false
    while (this.#writtenIndex < this.lastIndex) {
      const last = Math.min(this.lastIndex, this.#writtenIndex + linesTogetherMax)
      const lines = this.read(this.#writtenIndex + 1, last)
      this.#file.append(lines)
      this.#writtenIndex = last
      inRing = this.#putInRing(lines)
    }
    this.#forgetOldLines()
    const { lastIndex } = this
    const done = (): number => lastIndex
    try {
      const syncing = inRing ? (this.#ring as Ring).sync() : this.#sync.soon()
      return syncing === null ? done() : syncing.then(done, failSync)
    } catch (error) {
      return failSync(error as Error)
    }
  }

  /** False when the ring may not be counted on for these lines, the last of the file, and for all before them. */
  #putInRing(lines: Buffer): boolean {
    const { size } = this.#file
    const start = size - lines.length
    const { syncedBytes } = this
    if (this.#ring === null || lines.length > ringWriteBytesMax || size - syncedBytes > this.#ring.bytes) return false
    if (start !== Math.max(syncedBytes, this.#ringedBytes)) return false
    try {
      this.#ring.write(start, lines)
    } catch (error) {
      if (!isDiskFull(error)) throw error
      return false
    }
    this.#ringedBytes = size
    return true
  }

  /** Whether the ring is half full of what the log itself may still lose. */
  get checkpointDue(): boolean {
    const { size } = this.#file
    return this.#ring !== null && !this.#sync.isUnderWay && size - this.syncedBytes > this.#ring.bytes / 2
  }

  /**
   * Resolves once what was flushed before the call is on disk in the log itself, so that the ring is free for more. A
   * failure is final.
   */
  async checkpoint(): Promise<void> {
    if (this.syncedBytes < this.#file.size) await this.#sync.inThread().catch(failSync)
  }

  /** Drops the entries from `index` on, durably. */
  async truncate(index: number): Promise<void> {
    this.#writtenIndex = Math.min(this.#writtenIndex, index - 1)
    this.#bytes = this.offsetOf(index)
    this.#recent.truncate(this.#bytes)
    this.#offsets.truncate(index - 1)
    this.#stretchOffsets.length = Math.ceil((index - 1) / stretchEntries)
    while ((this.#termRuns.at(-1)?.from ?? 0) >= index) this.#termRuns.pop()
    const { size } = this.#file
    if (this.#bytes >= size) return
    this.#sync.cut({ bytes: this.#bytes, index: index - 1 })
    this.#ringedBytes = Math.min(this.#ringedBytes, this.#bytes)
    this.#file.truncate(this.#bytes)
    await this.#sync.inThread().catch(failSync)
    // Or a start after a power cut might find the dropped lines again, and behind new ones that only look like theirs.
    await this.#ring?.erase(this.#bytes, size)
  }

  /** Where the entry starts; for the entry after the last, where it will. */
  offsetOf(index: number): number {
    if (index === this.lastIndex + 1) return this.#bytes
    return (this.#stretchOffsets[Math.floor((index - 1) / stretchEntries)] as number) + this.#offsets.at(index - 1)
  }

  /**
   * The lines of the entries from `from` to `to` (both in the log), one after the other; good until the next call.
   * @throws RotError when the disk gives back something else than was written
   */
  read(from: number, to: number): Buffer {
    const [start, end] = [this.offsetOf(from), this.offsetOf(to + 1)]
    const recentStart = this.#recent.start
    if (start >= recentStart) return this.#recent.read(start, end)
    const older = this.#file.read(start, Math.min(end, recentStart) - start)
    const bytes = end <= recentStart ? older : Buffer.concat([older, this.#recent.read(recentStart, end)])
    const line = new LineCursor(bytes)
    for (let index = from; index <= to; index++) {
      if (!line.next() || !line.verify() || line.index !== index)
        throw new RotError(`log.jsonl is bad at index ${index}`)
    }
    return bytes
  }

  close(): void {
    this.#file.close()
    this.#ring?.close()
  }
}

/** Even a full disk is final here: after a failed fsync nobody knows what is on disk ("fsyncgate"). */
function failSync(error: Error): never {
  throw new Error(`fdatasync of the log failed: ${error.message}`, { cause: error })
}

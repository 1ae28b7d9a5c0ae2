import assert from 'node:assert/strict'
import type { Entry, TermRun } from '@bazaar/raft'
import { lineBytesMax, linesTogetherMax, openLine } from '../entry.ts'
import { NumberColumn } from '../number-column.ts'
import type { DiskFile } from './disk.ts'

/** Lines kept in memory so that followers and the follower feed are served without reading the file. */
export const recentLinesMax = 1024
/** Bytes that recovery reads at a time: few, for the reason of `linesTogetherMax`. */
const recoveryChunkBytes = 1 << 16
const stretchEntries = 1 << 16

/** The log failed its checksum where it was known to be synced. */
export class RotError extends Error {
  override readonly name = 'RotError'
}

/**
 * `log.jsonl`: one entry a line, the leader's bytes on every replica. Appending is in memory at once, `flush` makes it
 * durable. Offsets are kept as 4 bytes an entry.
 */
export class LogFile {
  readonly #file: DiskFile
  /** Byte offset of each entry, from the start of its stretch; and of each stretch of 65,536 entries. */
  readonly #offsets = new NumberColumn()
  readonly #stretchOffsets: number[] = []
  readonly #termRuns: TermRun[] = []
  /** The last lines; the last of all is `lastIndex`. */
  #recent: string[] = []
  /** Lines at the end of `#recent` that are not in the file yet. */
  #unwritten = 0
  #bytes = 0
  #syncedBytes = 0
  /** What the flush under way will have synced. */
  #flushingBytes = 0

  /** The file must be empty or followed by `recover`. */
  constructor(file: DiskFile) {
    this.#file = file
  }

  get lastIndex(): number {
    return this.#offsets.length
  }

  get termRuns(): readonly TermRun[] {
    return this.#termRuns
  }

  /** Length of the file that is known to be on disk. */
  get syncedBytes(): number {
    return this.#syncedBytes
  }

  /**
   * Reads the whole file and calls `onLine` with each good line. A bad line at or after `syncedBytes` is the unsynced
   * tail of a crash: the file is cut there. Before it, or when the file is shorter, it is rot ("Protocol-Aware
   * Recovery", FAST '18).
   * @throws RotError with the place
   */
  async recover(syncedBytes: number, onLine: (line: string) => void): Promise<void> {
    let rest = ''
    for (let at = 0; at < this.#file.size; ) {
      const chunk = this.#file.read(at, recoveryChunkBytes)
      at += chunk.length
      const text = rest + chunk
      const taken = this.#recoverLines(text, onLine)
      rest = text.slice(taken)
      if (chunk.length === 0 || rest.length > lineBytesMax) break
    }
    if (this.#bytes < syncedBytes) {
      throw new RotError(`log.jsonl is bad from byte ${this.#bytes} on, though ${syncedBytes} bytes were synced`)
    }
    if (this.#bytes < this.#file.size) this.#file.truncate(this.#bytes)
    // What survived in the page cache counts as durable from here on, so it has to be. An fsync that failed before the
    // restart left pages that are marked clean and were never written; they have to be made dirty again ("Can
    // Applications Recover from fsync Failures?", ATC '20).
    this.#file.rewrite(syncedBytes)
    await this.#file.sync()
    this.#syncedBytes = this.#bytes
  }

  /** Takes the good lines at the start of the text; returns their length. */
  #recoverLines(text: string, onLine: (line: string) => void): number {
    let start = 0
    for (let end = text.indexOf('\n') + 1; end > 0; end = text.indexOf('\n', start) + 1) {
      const entry = openLine(text.slice(start, end))
      if (entry === null || entry.index !== this.lastIndex + 1) break
      this.#push(entry)
      onLine(entry.line)
      start = end
    }
    return start
  }

  /** Adds entries in memory; they are written and durable after the next `flush`. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert.equal(entry.index, this.lastIndex + 1, 'the log has no gaps')
      this.#push(entry)
      this.#recent.push(entry.line)
    }
    this.#unwritten += entries.length
    this.#forgetOldLines()
  }

  /** In strides, so that forgetting costs little per line. */
  #forgetOldLines(): void {
    const spare = this.#recent.length - Math.max(recentLinesMax, this.#unwritten)
    if (spare > recentLinesMax) this.#recent.splice(0, spare)
  }

  #push({ index, term, line }: Entry): void {
    const place = index - 1
    if (place % stretchEntries === 0) this.#stretchOffsets[place / stretchEntries] = this.#bytes
    this.#offsets.push(this.#bytes - (this.#stretchOffsets[Math.floor(place / stretchEntries)] as number))
    this.#bytes += line.length
    if (this.#termRuns.at(-1)?.term !== term) this.#termRuns.push({ from: index, term })
  }

  /**
   * Writes and syncs all that was appended before the call; gives the index up to which the log is durable, at once where
   * the disk is quick, which says nothing of entries that take the place of some truncated meanwhile. One flush at a time.
   * Throws with code `ENOSPC` when the disk is full: nothing is lost, flush again later. Any other error is final.
   */
  flush(): number | Promise<number> {
    while (this.#unwritten > 0) {
      const first = this.#recent.length - this.#unwritten
      const lines = this.#recent.slice(first, first + linesTogetherMax)
      this.#file.append(lines.join(''))
      this.#unwritten -= lines.length
    }
    const { lastIndex } = this
    this.#flushingBytes = this.#bytes
    const synced = (): number => {
      this.#syncedBytes = this.#flushingBytes
      this.#forgetOldLines()
      return lastIndex
    }
    // Even a full disk is final here: after a failed fsync nobody knows what is on disk ("fsyncgate").
    const failed = (error: Error): never => {
      throw new Error(`fdatasync of log.jsonl failed: ${error.message}`, { cause: error })
    }
    try {
      return this.#file.sync()?.then(synced, failed) ?? synced()
    } catch (error) {
      return failed(error as Error)
    }
  }

  /** Drops the entries from `index` on, durably. */
  async truncate(index: number): Promise<void> {
    const keptLines = index - 1 - (this.lastIndex - this.#recent.length)
    this.#unwritten = Math.max(0, this.#unwritten - (this.lastIndex - index + 1))
    this.#bytes = this.offsetOf(index)
    this.#flushingBytes = Math.min(this.#flushingBytes, this.#bytes)
    this.#recent = this.#recent.slice(0, Math.max(0, keptLines))
    this.#offsets.truncate(index - 1)
    this.#stretchOffsets.length = Math.ceil((index - 1) / stretchEntries)
    while ((this.#termRuns.at(-1)?.from ?? 0) >= index) this.#termRuns.pop()
    if (this.#bytes >= this.#file.size) return
    this.#file.truncate(this.#bytes)
    await this.#file.sync()
    this.#syncedBytes = Math.min(this.#syncedBytes, this.#bytes)
  }

  /** Where the entry starts; for the entry after the last, where it will. */
  offsetOf(index: number): number {
    if (index === this.lastIndex + 1) return this.#bytes
    return (this.#stretchOffsets[(index - 1) >>> 16] as number) + this.#offsets.at(index - 1)
  }

  /**
   * The lines of the entries from `from` to `to` (both in the log), one after the other.
   * @throws RotError when the disk gives back something else than was written
   */
  lines(from: number, to: number): string {
    const firstRecent = this.lastIndex - this.#recent.length + 1
    if (from < firstRecent && to >= firstRecent) return this.lines(from, firstRecent - 1) + this.lines(firstRecent, to)
    if (from === to && from >= firstRecent) return this.#recent[from - firstRecent] as string
    if (from >= firstRecent) return this.#recent.slice(from - firstRecent, to - firstRecent + 1).join('')
    return this.#linesOfFile(from, to)
  }

  #linesOfFile(from: number, to: number): string {
    const offset = this.offsetOf(from)
    const text = this.#file.read(offset, this.offsetOf(to + 1) - offset)
    let start = 0
    for (let index = from; index <= to; index++) {
      const end = text.indexOf('\n', start) + 1
      if (openLine(text.slice(start, end))?.index !== index) throw new RotError(`log.jsonl is bad at index ${index}`)
      start = end
    }
    return text
  }

  /** The lines one by one; otherwise as `lines`. */
  lineList(from: number, to: number): string[] {
    const firstRecent = this.lastIndex - this.#recent.length + 1
    if (from >= firstRecent) return this.#recent.slice(from - firstRecent, to - firstRecent + 1)
    return this.lines(from, to).split(/(?<=\n)/)
  }

  close(): void {
    this.#file.close()
  }
}

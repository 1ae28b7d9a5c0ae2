import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { open, rename, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { syncFolder } from '@bazaar/service'

const fdatasyncInThread = promisify(fdatasync)

/** What the log needs of a disk. The simulator has another one, which forgets what was not synced. */
export interface Disk {
  /** Opens a file to append and read, and creates it if need be. Resolves once its name is durable. */
  open(path: string): Promise<DiskFile>
  exists(path: string): Promise<boolean>
  /** Resolves once the new name is durable. */
  rename(from: string, to: string): Promise<void>
  /** How many more bytes there is room for where the path is. */
  room(path: string): Promise<number>
}

/** Offsets and lengths are in bytes. */
export interface DiskFile {
  readonly size: number
  /**
   * Appends bytes to the page cache; `sync` makes them durable. Throws with code `ENOSPC` when there is no room, and
   * then the file is as it was.
   */
  append(bytes: Uint8Array): void
  /**
   * Writes bytes over what stands at `offset`, within the file, to the page cache. Throws with code `ENOSPC` when there is
   * no room; then some of them may be there.
   */
  write(offset: number, bytes: Uint8Array): void
  /**
   * Up to `length` bytes from `offset`, valid until the next call; fewer only at the end. Nearly always from the page
   * cache, hence not async.
   */
  read(offset: number, length: number): Buffer
  /**
   * Puts all that was written before the call on disk (fdatasync). Null: it is there when the call returns; otherwise once
   * the promise resolves. A failure, thrown or rejected, is final: crash.
   */
  sync(): Promise<void> | null
  /** As `sync`, but never in the way of anything else. */
  syncInThread(): Promise<void>
  /** Cuts the file; durable after the next `sync`. */
  truncate(size: number): void
  /** Writes what stands from `offset` on once more in its place, so that the next `sync` puts it on disk in any case. */
  rewrite(offset: number): void
  close(): void
}

/**
 * A sync that is quicker than this is done in place: the way to a thread and back takes more processor time, and longer,
 * than the wait. After a slower one the next is left to a thread, so that heartbeats and queries go on beside it.
 */
const syncInPlaceMaxMs = 4
/** More bytes than this are synced in a thread in any case: meanwhile a replica that catches up takes in the next. */
const syncInPlaceMaxBytes = 1 << 15
/** Bytes that `rewrite` holds in memory at a time. */
const rewriteChunkBytes = 1 << 18

export const realDisk: Disk = {
  async open(path) {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    await syncFolder(dirname(path))
    return new RealFile(descriptor)
  },
  async exists(path) {
    try {
      await (await open(path, 'r')).close()
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  },
  async rename(from, to) {
    await rename(from, to)
    await syncFolder(dirname(to))
  },
  async room(path) {
    const { bavail, bsize } = await statfs(dirname(path))
    return bavail * bsize
  },
}

class RealFile implements DiskFile {
  readonly #descriptor: number
  #size: number
  /** How long the last sync took. */
  #syncMs = 0
  #bytesToSync = 0
  /** What was read last. One buffer for all: a restart that reads gigabytes would leave as much garbage behind. */
  #scratch = Buffer.alloc(0)

  constructor(descriptor: number) {
    this.#descriptor = descriptor
    this.#size = fstatSync(descriptor).size
  }

  get size(): number {
    return this.#size
  }

  append(bytes: Uint8Array): void {
    try {
      this.#write(bytes, this.#size)
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#size)
      throw error
    }
    this.#size += bytes.length
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#write(bytes, offset)
  }

  read(offset: number, length: number): Buffer {
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafeSlow(length)
    const wanted = Math.min(length, Math.max(0, this.#size - offset))
    let done = 0
    while (done < wanted) {
      const count = readSync(this.#descriptor, this.#scratch, done, wanted - done, offset + done)
      if (count === 0) break
      done += count
    }
    return this.#scratch.subarray(0, done)
  }

  sync(): Promise<void> | null {
    if (this.#syncMs >= syncInPlaceMaxMs || this.#bytesToSync > syncInPlaceMaxBytes) return this.syncInThread()
    const startedAt = performance.now()
    fdatasyncSync(this.#descriptor)
    this.#bytesToSync = 0
    this.#syncMs = performance.now() - startedAt
    return null
  }

  async syncInThread(): Promise<void> {
    const startedAt = performance.now()
    this.#bytesToSync = 0
    await fdatasyncInThread(this.#descriptor)
    this.#syncMs = performance.now() - startedAt
  }

  truncate(size: number): void {
    ftruncateSync(this.#descriptor, size)
    this.#size = size
  }

  rewrite(offset: number): void {
    for (let at = offset; at < this.#size; at += rewriteChunkBytes) this.#write(this.read(at, rewriteChunkBytes), at)
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, offset + done)
    }
    this.#bytesToSync += bytes.length
  }
}

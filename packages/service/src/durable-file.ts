import { dirname } from 'node:path'
import type { Adapter } from 'lowdb'
import { type Disk, realDisk } from './disk.ts'

/** The file is there, but it is not JSON: it was damaged, since it is only ever replaced as a whole. */
export class CorruptFileError extends Error {
  override readonly name = 'CorruptFileError'
}

/** A write that waits for the one under way. */
interface Waiting {
  text: string
  settle: { resolve: () => void; reject: (error: unknown) => void }[]
}

/**
 * A lowdb `Adapter` for a small JSON file that survives a power cut: a write goes to a temporary file, is synced, takes
 * the file's name, and the folder is synced. Whatever happens, the file holds one whole write.
 *
 * Writes happen one at a time, in the order of their calls. Of those that wait, only the last is written, and all of
 * them settle with it in their order: when `write` resolves, its data or newer data is on disk.
 *
 * After a failed write the old file is intact. A full disk (`isDiskFull`) may be tried again later; after any other
 * failure it is unknown what is on disk, so every later write fails too and the caller should crash (see "Can
 * Applications Recover from fsync Failures?", ATC '20).
 */
export class DurableJSONFile<T> implements Adapter<T> {
  readonly #path: string
  readonly #temporaryPath: string
  readonly #disk: Disk
  #waiting: Waiting | null = null
  #writing = false
  #failure: { error: unknown } | null = null

  private constructor(path: string, disk: Disk) {
    this.#path = path
    this.#temporaryPath = `${path}.tmp`
    this.#disk = disk
  }

  /** Opens the file, which need not exist (its folder must), and removes what a crash in mid-write left beside it. */
  static async open<T>(path: string, disk: Disk = realDisk): Promise<DurableJSONFile<T>> {
    const file = new DurableJSONFile<T>(path, disk)
    await file.#removeTemporary()
    return file
  }

  /** The data, or null when there is no file. Throws a `CorruptFileError` when it is not JSON. */
  async read(): Promise<T | null> {
    let text: string
    try {
      text = await this.#disk.read(this.#path)
    } catch (error) {
      if (isAbsence(error)) return null
      throw error
    }
    try {
      return JSON.parse(text) as T
    } catch (cause) {
      throw new CorruptFileError(`${this.#path} is not JSON`, { cause })
    }
  }

  /** Resolves once the data, as it was at the call, or newer data is on disk. */
  write(data: T): Promise<void> {
    const text = `${JSON.stringify(data)}\n`
    return new Promise((resolve, reject) => {
      const settle = this.#waiting?.settle ?? []
      settle.push({ resolve, reject })
      this.#waiting = { text, settle }
      if (!this.#writing) void this.#writeWaiting()
    })
  }

  /** The only loop that writes: takes what waits until nothing does. */
  async #writeWaiting(): Promise<void> {
    this.#writing = true
    for (let next = this.#takeWaiting(); next !== null; next = this.#takeWaiting()) {
      try {
        await this.#replace(next.text)
        for (const { resolve } of next.settle) resolve()
      } catch (error) {
        for (const { reject } of next.settle) reject(error)
      }
    }
    this.#writing = false
  }

  #takeWaiting(): Waiting | null {
    const taken = this.#waiting
    this.#waiting = null
    return taken
  }

  async #replace(text: string): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error
    try {
      const file = await this.#disk.create(this.#temporaryPath)
      try {
        await file.write(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#disk.rename(this.#temporaryPath, this.#path)
      await this.#disk.syncFolder(dirname(this.#path))
    } catch (error) {
      if (!isDiskFull(error)) this.#failure = { error }
      // The first error says more than a failure to tidy up after it.
      await this.#removeTemporary().catch(() => undefined)
      throw error
    }
  }

  async #removeTemporary(): Promise<void> {
    try {
      await this.#disk.unlink(this.#temporaryPath)
    } catch (error) {
      if (!isAbsence(error)) throw error
    }
  }
}

/**
 * Whether an error says that there is no room, on the disk, within a quota, or below the limit of a file's size (`ulimit -f`):
 * nothing is lost, and a later write may succeed.
 */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function isAbsence(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

import { isDiskFull } from '@bazaar/service'
import type { Disk, DiskFile } from './disk.ts'

/** The ring's length: a fraction of a second of orders at full load. */
const ringBytes = 1 << 20
/** It is made only where it takes a small part of what is left of the disk: room is for orders. */
const roomMin = 64
/** What is written at a time when it is made. */
const blankBytes = 1 << 16

/**
 * `log.ring`: the last bytes of the log once more, in a file of fixed length that is written over and over; byte n of the
 * log stands at n modulo the length. An order is durable once it is on disk here, and the log itself follows later:
 * a sync of blocks that are there already is one write and one flush, while one of a file that grew has to wait for the
 * file system's own journal too, which all replicas of a machine share.
 */
export class Ring {
  #bytes: number
  readonly #file: DiskFile

  private constructor(file: DiskFile, bytes: number) {
    this.#file = file
    this.#bytes = bytes
  }

  /** Its length; 0 once it was given up, until a start makes it anew. */
  get bytes(): number {
    return this.#bytes
  }

  /** Opens the ring, or makes it; null when the disk has too little room for one. */
  static async open(disk: Disk, path: string, bytes = ringBytes): Promise<Ring | null> {
    const file = await disk.open(path)
    if (file.size === bytes) return new Ring(file, bytes)
    file.truncate(0)
    try {
      if ((await disk.room(path)) >= roomMin * bytes) {
        while (file.size < bytes) file.append(blank(Math.min(blankBytes, bytes - file.size)))
        await file.sync()
        return new Ring(file, bytes)
      }
    } catch (error) {
      if (!isDiskFull(error)) throw error
      file.truncate(0)
    }
    file.close()
    return null
  }

  /** Writes lines, at most `bytes` long, that begin at `offset` of the log; `sync` makes them durable. */
  write(offset: number, lines: Uint8Array): void {
    const at = offset % this.bytes
    const room = this.bytes - at
    this.#file.write(at, lines.subarray(0, room))
    if (lines.length > room) this.#file.write(0, lines.subarray(room))
  }

  /** Null: it is on disk already. Otherwise as the file's `sync`. */
  sync(): Promise<void> | null {
    return this.#file.sync()
  }

  /** All of it, from the place of `offset` of the log on. The end is not marked: only a line's checksum and index tell. */
  read(offset: number): Buffer {
    const at = this.bytes === 0 ? 0 : offset % this.bytes
    const older = Buffer.from(this.#file.read(at, this.bytes - at))
    return Buffer.concat([older, this.#file.read(0, at)])
  }

  /**
   * Forgets what stands between two offsets of the log, durably: those lines are not of the log any more. Where even that
   * finds the disk full, as on a file system that never writes in place, the ring is given up.
   */
  async erase(from: number, to: number): Promise<void> {
    const length = Math.min(to - from, this.bytes)
    if (length <= 0) return
    try {
      this.write(from, blank(length))
    } catch (error) {
      if (!isDiskFull(error)) throw error
      this.#bytes = 0
      this.#file.truncate(0)
    }
    await this.sync()
  }

  /** Forgets everything, durably. */
  clear(): Promise<void> {
    return this.erase(0, this.bytes)
  }

  close(): void {
    this.#file.close()
  }
}

/** What is no line: empty ones. */
function blank(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, '\n')
}

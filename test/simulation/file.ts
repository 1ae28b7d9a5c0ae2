import { Bytes } from './bytes.ts'

/** What may be torn apart by a power cut: a real page has 4096 bytes, but our files are small. */
export const pageBytes = 128
/** Stands for the file's length among its pages: it is synced and lost like one. */
const lengthPage = -1

/** What a power cut leaves of the unsynced parts of a file. */
export interface Survival {
  /** How many bytes at the start of the n-th unsynced page of a file are the new ones; the others are the old ones. */
  page(place: number): number
  /** The file's length: that on disk, the last one, or one between. */
  length(onDisk: number, last: number): number
}

/**
 * A file under a page cache: the cache is what processes see, the disk is what a power cut is sure to leave. In between
 * are the dirty pages, each of which a power cut leaves new, old or torn.
 */
export class SimulatedFile {
  readonly #cache: Bytes
  readonly #disk: Bytes
  /** Version of each page that is dirty. Versions rise with every change. */
  readonly #dirty: Map<number, number>
  /** Version of each page that is on disk. */
  readonly #synced = new Map<number, number>()
  #version = 0

  constructor(of?: SimulatedFile) {
    this.#cache = new Bytes(of === undefined ? undefined : of.#cache.slice(0, of.#cache.length))
    this.#disk = new Bytes(of === undefined ? undefined : of.#disk.slice(0, of.#disk.length))
    this.#dirty = new Map(of === undefined ? [] : of.#dirty)
  }

  get size(): number {
    return this.#cache.length
  }

  append(bytes: Uint8Array): void {
    this.write(bytes, this.#cache.length)
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#cache.write(bytes, offset)
    this.#touch(offset, offset + bytes.length)
  }

  truncate(size: number): void {
    const end = this.#cache.length
    this.#cache.resize(size)
    this.#touch(size, end)
  }

  /** How many pages a power cut may lose. */
  get dirtyPages(): number {
    return this.#dirty.size - (this.#dirty.has(lengthPage) ? 1 : 0)
  }

  /** Makes what stands from `offset` on dirty again. */
  rewrite(offset: number): void {
    if (offset < this.#cache.length) this.#touch(offset, this.#cache.length)
  }

  read(offset: number, length: number): Buffer {
    return Buffer.from(this.#cache.slice(offset, offset + length))
  }

  /** Rot: a bit changes, in the cache and on disk. */
  flip(offset: number, bit: number): void {
    this.#cache.flip(offset, bit)
    this.#disk.flip(offset, bit)
  }

  /** Takes what is dirty now; calling the result puts it on disk, unless something newer is there already. */
  startSync(): () => void {
    const { length } = this.#cache
    const taken = Array.from(this.#dirty, ([page, version]) => ({ page, version, bytes: this.#pageOf(page) }))
    return () => {
      for (const { page, version, bytes } of taken) {
        if ((this.#synced.get(page) ?? 0) >= version) continue
        this.#synced.set(page, version)
        if (this.#dirty.get(page) === version) this.#dirty.delete(page)
        if (page === lengthPage) this.#disk.resize(length)
        else this.#disk.write(bytes, page * pageBytes)
      }
    }
  }

  /** A failed sync: Linux marks the pages clean although they are not on disk, and does not write them again. */
  failSync(): void {
    this.#dirty.clear()
  }

  /** A power cut. */
  lose(survival: Survival): void {
    if (this.#dirty.size > 0) {
      const length = survival.length(this.#disk.length, this.#cache.length)
      const pages = [...this.#dirty.keys()].filter(page => page !== lengthPage).sort((a, b) => a - b)
      for (const [place, page] of pages.entries()) {
        this.#disk.write(this.#pageOf(page).subarray(0, survival.page(place)), page * pageBytes)
      }
      this.#disk.resize(length)
    }
    this.#dirty.clear()
    this.#cache.resize(0)
    this.#cache.write(this.#disk.slice(0, this.#disk.length), 0)
  }

  #touch(start: number, end: number): void {
    this.#version++
    this.#dirty.set(lengthPage, this.#version)
    for (let page = Math.floor(start / pageBytes); page * pageBytes < end; page++) this.#dirty.set(page, this.#version)
  }

  #pageOf(page: number): Buffer {
    return Buffer.from(this.#cache.slice(page * pageBytes, (page + 1) * pageBytes))
  }
}

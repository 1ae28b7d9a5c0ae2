/**
 * The last bytes of a log, by their offsets in it. They stand in slabs of equal length; the oldest is used again once it is
 * forgotten, so that a log that grows for ever leaves no garbage behind.
 */
export class RecentBytes {
  readonly #slabBytes: number
  /** Slab n of a log has the bytes from n times a slab's length on. */
  #firstSlab: number
  readonly #slabs: Buffer[] = []
  #spare: Buffer | null = null
  #start: number
  #end: number

  /** Empty; what comes first will stand at `offset`. */
  constructor(offset: number, slabBytes: number) {
    this.#slabBytes = slabBytes
    this.#start = offset
    this.#end = offset
    this.#firstSlab = Math.floor(offset / slabBytes)
  }

  /** The offset of the first byte that is here. */
  get start(): number {
    return this.#start
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const place = this.#end % this.#slabBytes
      const count = Math.min(end - at, this.#slabBytes - place)
      this.#slabOf(this.#end).set(bytes.subarray(at, at + count), place)
      at += count
      this.#end += count
    }
  }

  /** The bytes between two offsets that are here; good until the next change. */
  read(start: number, end: number): Buffer {
    const place = start % this.#slabBytes
    const slab = this.#slabOf(start)
    if (place + end - start <= this.#slabBytes) return slab.subarray(place, place + end - start)
    const next = start - place + this.#slabBytes
    return Buffer.concat([slab.subarray(place), this.read(next, end)])
  }

  /** Gives up what stands before `offset`, as far as it fills slabs. */
  forget(offset: number): void {
    for (; (this.#firstSlab + 1) * this.#slabBytes <= offset; this.#firstSlab++) {
      this.#spare = this.#slabs.shift() ?? null
      this.#start = (this.#firstSlab + 1) * this.#slabBytes
    }
  }

  /** Drops what stands from `offset` on. */
  truncate(offset: number): void {
    this.#end = offset
    if (offset >= this.#start) return
    this.#start = offset
    this.#slabs.length = 0
    this.#firstSlab = Math.floor(offset / this.#slabBytes)
  }

  #slabOf(offset: number): Buffer {
    const place = Math.floor(offset / this.#slabBytes) - this.#firstSlab
    const known = this.#slabs[place]
    if (known !== undefined) return known
    const slab = this.#spare ?? Buffer.allocUnsafeSlow(this.#slabBytes)
    this.#spare = null
    this.#slabs[place] = slab
    return slab
  }
}

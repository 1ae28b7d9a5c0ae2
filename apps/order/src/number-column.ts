const chunkLength = 1 << 16

/** A growing list of unsigned 32-bit numbers, 4 bytes each: chunks, so that growing never copies. */
export class NumberColumn {
  readonly #chunks: Uint32Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length % chunkLength === 0) this.#chunks[this.#length / chunkLength] = new Uint32Array(chunkLength)
    const chunk = this.#chunks[this.#length >>> 16] as Uint32Array
    chunk[this.#length++ & (chunkLength - 1)] = value
  }

  /** The value at a place that exists. */
  at(place: number): number {
    return (this.#chunks[place >>> 16] as Uint32Array)[place & (chunkLength - 1)] as number
  }

  /** Keeps the first `length` values. */
  truncate(length: number): void {
    this.#length = length
    this.#chunks.length = Math.ceil(length / chunkLength)
  }
}

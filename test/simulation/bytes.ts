/** Bytes whose length may change; new ones are zero. */
export class Bytes {
  #buffer: Buffer
  #length: number

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(content)
    this.#length = content.length
  }

  get length(): number {
    return this.#length
  }

  resize(length: number): void {
    if (length > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(length, this.#buffer.length * 2, 1024))
      this.slice(0, this.#length).copy(grown)
      this.#buffer = grown
    } else if (length < this.#length) this.#buffer.fill(0, length, this.#length)
    this.#length = length
  }

  write(bytes: Uint8Array, offset: number): void {
    this.resize(Math.max(this.#length, offset + bytes.length))
    this.#buffer.set(bytes, offset)
  }

  /** A view; it is good until the next change. */
  slice(start: number, end: number): Buffer {
    return this.#buffer.subarray(Math.min(start, this.#length), Math.min(end, this.#length))
  }

  flip(offset: number, bit: number): void {
    this.#buffer[offset] = (this.#buffer[offset] as number) ^ (1 << bit)
  }
}

/** Cuts chunks of bytes at newlines. A newline's byte is never part of another character in UTF-8. */
export class LineSplitter {
  readonly #lineBytesMax: number
  #rest: Buffer[] = []
  #restBytes = 0

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  /**
   * The lines that are whole with this chunk, without their newlines.
   *
   * @throws Error when what has come of a line is longer than any may be
   */
  push(chunk: Buffer): string[] {
    const end = chunk.lastIndexOf(0x0a)
    if (end < 0) {
      this.#keep(chunk)
      return []
    }
    const head = chunk.subarray(0, end)
    const whole = this.#restBytes === 0 ? head : Buffer.concat([...this.#rest, head])
    this.#rest = []
    this.#restBytes = 0
    if (end + 1 < chunk.length) this.#keep(chunk.subarray(end + 1))
    return whole.toString().split('\n')
  }

  #keep(bytes: Buffer): void {
    this.#rest.push(bytes)
    this.#restBytes += bytes.length
    if (this.#restBytes > this.#lineBytesMax) {
      throw new Error(`a line of the stream has more than ${this.#lineBytesMax} bytes`)
    }
  }
}

import { newline } from './log-line.ts'

const noLines = Buffer.alloc(0)

/** The lines, without their newlines, each of which ends with one. */
export function linesOf(bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : bytes.toString('utf8', 0, bytes.length - 1).split('\n')
}

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
    return linesOf(this.pushBytes(chunk))
  }

  /** As `push`, but the bytes of the lines as they came. */
  pushBytes(chunk: Buffer): Buffer {
    const end = chunk.lastIndexOf(newline) + 1
    if (end === 0) {
      this.#keep(chunk)
      return noLines
    }
    const head = chunk.subarray(0, end)
    const whole = this.#restBytes === 0 ? head : Buffer.concat([...this.#rest, head])
    this.#rest = []
    this.#restBytes = 0
    if (end < chunk.length) this.#keep(chunk.subarray(end))
    return whole
  }

  #keep(bytes: Buffer): void {
    this.#rest.push(bytes)
    this.#restBytes += bytes.length
    if (this.#restBytes > this.#lineBytesMax) {
      throw new Error(`a line of the stream has more than ${this.#lineBytesMax} bytes`)
    }
  }
}

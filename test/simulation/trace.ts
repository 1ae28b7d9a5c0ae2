import { crc32 } from 'node:zlib'

/** What happened, for people. Two runs of one seed give the same digest. */
export class Trace {
  readonly #now: () => number
  readonly #withMessages: boolean
  readonly lines: string[] = []
  #digest = 0

  /** With `withMessages`, every message between replicas has a line too. */
  constructor(now: () => number, withMessages: boolean) {
    this.#now = now
    this.#withMessages = withMessages
  }

  /** A fingerprint of all that happened, messages included. */
  get digest(): string {
    return this.#digest.toString(16).padStart(8, '0')
  }

  note(text: string): void {
    const line = `${this.#now().toFixed(3).padStart(10)} ${text}`
    this.#digest = crc32(line, this.#digest)
    this.lines.push(line)
  }

  /** Made only for its digest, unless messages are wanted. */
  message(text: string): void {
    this.#digest = crc32(`${this.#now()} ${text}`, this.#digest)
    if (this.#withMessages) this.lines.push(`${this.#now().toFixed(3).padStart(10)}   ${text}`)
  }
}

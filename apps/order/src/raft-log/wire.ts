import type { Entry, Message } from '@bazaar/raft'
import { lineBytesMax, openLine } from '../entry.ts'

/**
 * How replicas speak: a message as one JSON line, then the lines of its entries as they stand in the log. `bytes` is
 * the length of those lines.
 */

const headBytesMax = 1024

/** The bytes of a message (Latin-1); `lines` are the lines of its entries. */
export function encodeMessage(message: Message, lines: string): string {
  return `${JSON.stringify({ ...message, bytes: lines.length })}\n${lines}`
}

/** Cuts a byte stream back into messages. One per connection. */
export class MessageReader {
  readonly #bytesMax: number
  #rest = ''

  /** `entriesMax` entries are the most that a message may carry. */
  constructor(entriesMax: number) {
    this.#bytesMax = headBytesMax + entriesMax * lineBytesMax
  }

  /**
   * The messages that are whole after this chunk.
   * @throws Error when the stream is not of this protocol, or an entry's checksum is wrong: close the connection.
   */
  read(chunk: Buffer): Message[] {
    this.#rest += chunk.toString('latin1')
    const messages: Message[] = []
    let start = 0
    for (let end = this.#rest.indexOf('\n'); end > 0; end = this.#rest.indexOf('\n', start)) {
      const { bytes, ...message } = JSON.parse(this.#rest.slice(start, end)) as Message & { bytes: number }
      const linesEnd = end + 1 + bytes
      if (!(linesEnd - start <= this.#bytesMax)) throw new Error(`a message of ${bytes} bytes, over the limit`)
      if (this.#rest.length < linesEnd) break
      messages.push(bytes === 0 ? message : withEntries(message, this.#rest.slice(end + 1, linesEnd)))
      start = linesEnd
    }
    this.#rest = this.#rest.slice(start)
    if (this.#rest.length > this.#bytesMax) throw new Error('a message without an end')
    return messages
  }
}

function withEntries(message: Message, lines: string): Message {
  const entries: Entry[] = []
  let start = 0
  while (start < lines.length) {
    const end = lines.indexOf('\n', start) + 1
    const entry = openLine(lines.slice(start, end))
    if (end === 0 || entry === null) throw new Error(`a bad line from member ${message.from}`)
    entries.push(entry)
    start = end
  }
  return { ...message, entries } as Message
}

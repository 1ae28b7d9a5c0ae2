import { LineCursor, logLineBytesMax, newline } from '@bazaar/client/contract'
import type { AppendRequest, Entry, Message } from '@bazaar/raft'

/**
 * How replicas speak: a message as one JSON line, then the lines of its entries as they stand in the log. `bytes` is
 * the length of those lines.
 */

const headBytesMax = 1024

const ofEveryMessage = ['from', 'to', 'term', 'bytes']
/** What must be a whole number from 0 on, by the type of the message. */
const numbersOf: ReadonlyMap<unknown, readonly string[]> = new Map(
  Object.entries({
    preVoteRequest: ['lastIndex', 'lastTerm'],
    voteRequest: ['lastIndex', 'lastTerm'],
    preVoteResponse: ['lastIndex'],
    voteResponse: ['lastIndex'],
    appendRequest: ['prevIndex', 'prevTerm', 'count', 'commitIndex', 'round'],
    appendResponse: ['matchIndex', 'conflictIndex', 'conflictTerm', 'round'],
  } satisfies Record<Message['type'], string[]>).map(([type, numbers]) => [type, [...ofEveryMessage, ...numbers]]),
)

/** The message with the lines of its entries; in `into`, if it has room there. */
export function encode(message: Message, lines: Uint8Array, into?: Buffer): Buffer {
  const head = `${JSON.stringify({ ...message, bytes: lines.length })}\n`
  const length = head.length + lines.length
  const bytes = into !== undefined && length <= into.length ? into.subarray(0, length) : Buffer.allocUnsafe(length)
  bytes.write(head, 'latin1')
  bytes.set(lines, head.length)
  return bytes
}

/** Cuts a byte stream back into messages. One per connection. */
export class MessageReader {
  readonly #bytesMax: number
  /** What has come of a message that is not whole yet. */
  #chunks: Buffer[] = []
  #received = 0
  /** Its length, where that is known: until then there is nothing to look at again. */
  #needed = 0

  /** `entriesMax` entries are the most that a message may carry. */
  constructor(entriesMax: number) {
    this.#bytesMax = headBytesMax + entriesMax * logLineBytesMax
  }

  /**
   * The messages that are whole after this chunk.
   * @throws Error when the stream is not of this protocol, or an entry's checksum is wrong: close the connection. The core
   * would take it for a broken invariant, which ends the replica.
   */
  read(chunk: Buffer): Message[] {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    if (this.#received < this.#needed) return []
    const received = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const messages: Message[] = []
    let start = 0
    this.#needed = 0
    for (let end = received.indexOf(newline); end > 0; end = received.indexOf(newline, start)) {
      const message = messageOf(received.toString('latin1', start, end))
      const { bytes } = message
      const linesEnd = end + 1 + bytes
      if (!(linesEnd - start <= this.#bytesMax)) throw new Error(`a message of ${bytes} bytes, over the limit`)
      if (received.length < linesEnd) {
        this.#needed = linesEnd - start
        break
      }
      const lines = received.subarray(end + 1, linesEnd)
      messages.push(message.type === 'appendRequest' ? { ...message, entries: entriesOf(lines, message) } : message)
      start = linesEnd
    }
    this.#chunks = start < received.length ? [received.subarray(start)] : []
    this.#received -= start
    if (this.#received > this.#bytesMax) throw new Error('a message without an end')
    return messages
  }
}

function messageOf(head: string): Message & { bytes: number } {
  const message = JSON.parse(head) as Record<string, unknown>
  const numbers = numbersOf.get(message.type)
  if (numbers === undefined) throw new Error(`no message is called ${message.type}`)
  for (const name of numbers) {
    const number = message[name]
    if (!Number.isSafeInteger(number) || (number as number) < 0)
      throw new Error(`${message.type} with ${name} ${number}`)
  }
  return message as unknown as Message & { bytes: number }
}

function entriesOf(lines: Buffer, { from, count }: AppendRequest): Entry[] {
  const entries: Entry[] = []
  const line = new LineCursor(lines)
  while (line.end < lines.length) {
    if (!line.next() || !line.verify()) throw new Error(`a bad line from member ${from}`)
    const { index, term, start, end } = line
    entries.push({ index, term, bytes: lines, start, end })
  }
  if (entries.length !== count) throw new Error(`${entries.length} of ${count} lines from member ${from}`)
  return entries
}

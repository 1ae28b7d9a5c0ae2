import { crc32 } from 'node:zlib'
import type { Fact, LogEntry } from '@bazaar/client'
import type { Entry } from '@bazaar/raft'

/**
 * The codec of log lines: `{"index":7,"term":2,<fact>,"crc":"9a0b1c2d"}\n`. A line is ASCII, so its length in characters
 * is its length in bytes, and every replica stores the leader's line as it came.
 */

const head = '{"index":'
const termHead = ',"term":'
const tailHead = ',"crc":"'
const tailEnd = '"}\n'
const tailLength = tailHead.length + 8 + tailEnd.length
/** No line is longer: a name is at most 64 code points (12 characters each, escaped), a key 255 (2 each). */
export const lineBytesMax = 2048

/**
 * Lines that are put together into one string, to be sent or written: 60 KiB of usual ones. V8 keeps a string of more than
 * 128 KiB apart from the young ones, and hundreds of them may wait for the next full collection.
 */
export const linesTogetherMax = 400

/** The fact as it stands in a line: its JSON members without the braces. The order of the members is fixed. */
export function encodeFact(fact: Fact): string {
  return JSON.stringify(fact)
    .slice(1, -1)
    .replace(/[^\x20-\x7e]/g, escapeCharacter)
}

/** The entry at this place for an encoded fact; null is a leader's no-op. */
export function seal(index: number, term: number, fact: string | null): Entry {
  const body = `${head}${index}${termHead}${term},${fact ?? '"type":"noop"'}`
  return { index, term, line: `${body},"crc":"${hex(crc32(body))}"}\n` }
}

/**
 * Index and term of a whole line (newline included), or null when its checksum or its frame is wrong. The fact is not
 * parsed: the checksum vouches for it.
 */
export function openLine(line: string): Entry | null {
  const bodyLength = line.length - tailLength
  if (bodyLength < head.length || line.length > lineBytesMax || !line.startsWith(head)) return null
  const body = line.slice(0, bodyLength)
  if (!line.startsWith(tailHead, bodyLength) || !line.endsWith(tailEnd)) return null
  if (parseHex(line, bodyLength + tailHead.length) !== crc32(body)) return null
  const termAt = line.indexOf(termHead, head.length)
  const termEnd = line.indexOf(',', termAt + termHead.length)
  if (termAt < 0 || termEnd < 0) return null
  const index = Number(line.slice(head.length, termAt))
  const term = Number(line.slice(termAt + termHead.length, termEnd))
  return Number.isSafeInteger(index) && Number.isSafeInteger(term) ? { index, term, line } : null
}

/** The entry of a line that `openLine` or `seal` vouches for. */
export function decode(line: string): LogEntry {
  return decodeOrder(line) ?? (JSON.parse(line) as LogEntry)
}

/**
 * An order's line, read without a general JSON parser: a restart folds every order ever made, and this takes a third of
 * the time. Null for any other line, and for one with an escaped character.
 */
function decodeOrder(line: string): LogEntry | null {
  const termAt = line.indexOf(termHead, head.length)
  const typeAt = line.indexOf(',"type":"', termAt) + 9
  const side = line.startsWith('buy","number":', typeAt)
    ? 'buy'
    : line.startsWith('sell","number":', typeAt)
      ? 'sell'
      : null
  if (side === null || line.includes('\\', typeAt)) return null
  const numberAt = typeAt + side.length + 11
  const nameAt = line.indexOf(',"name":"', numberAt)
  const quantityAt = line.indexOf('","quantity":', nameAt)
  const priceAt = line.indexOf(',"price":', quantityAt)
  const keyAt = line.indexOf(',"key":"', priceAt)
  return {
    index: Number(line.slice(head.length, termAt)),
    term: Number(line.slice(termAt + termHead.length, typeAt - 9)),
    type: side,
    number: Number(line.slice(numberAt, nameAt)),
    name: line.slice(nameAt + 9, quantityAt),
    quantity: Number(line.slice(quantityAt + 13, priceAt)),
    price: Number(line.slice(priceAt + 9, keyAt)),
    key: line.slice(keyAt + 8, line.length - tailLength - 1),
  }
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}

/** The number that 8 lower-case hex digits stand for, or -1; without making a string, for it is done for every line. */
function parseHex(text: string, start: number): number {
  let value = 0
  for (let at = start; at < start + 8; at++) {
    const code = text.charCodeAt(at)
    if (code >= 48 && code <= 57) value = value * 16 + code - 48
    else if (code >= 97 && code <= 102) value = value * 16 + code - 87
    else return -1
  }
  return value
}

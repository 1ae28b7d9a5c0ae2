import { crc32 as crc32OfText } from 'node:zlib'
import { crc32 } from './crc32.ts'
import type { Fact, LogEntry } from './schemas.ts'

/**
 * The codec of log lines: `{"index":7,"term":2,<fact>,"crc":"9a0b1c2d"}\n`. A line is ASCII, so its length in characters
 * is its length in bytes, and every replica stores and hands on the leader's line as it came.
 */

const head = '{"index":'
const termHead = ',"term":'
const tailHead = ',"crc":"'
const tailEnd = '"}\n'
const tailLength = tailHead.length + 8 + tailEnd.length
/** The byte that ends a line. */
export const newline = 10
/** No line of a log is longer: a name is at most 64 code points (12 characters each, escaped), a key 255 (2 each). */
export const logLineBytesMax = 2048

/** The fact as it stands in a line: its JSON members without the braces. The order of the members is fixed. */
export function encodeFact(fact: Fact): string {
  return JSON.stringify(fact)
    .slice(1, -1)
    .replace(/[^\x20-\x7e]/g, escapeCharacter)
}

/** Where a line belongs. */
export interface Place {
  readonly index: number
  readonly term: number
}

/** The line, with its newline, at this place for an encoded fact; null is a leader's no-op. */
export function seal(index: number, term: number, fact: string | null): Place & { readonly line: string } {
  const body = `${head}${index}${termHead}${term},${fact ?? '"type":"noop"'}`
  return { index, term, line: `${body},"crc":"${hex(crc32OfText(body))}"}\n` }
}

/**
 * The place of the line that stands in `bytes` from `start` up to `end` (newline included), or null when its checksum or
 * its frame is wrong. The fact is not parsed: the checksum vouches for it. Reads bytes, not text: every line of a log is
 * opened at a restart, and a string of each would take longer than all else.
 */
export function openLine(bytes: Buffer, start: number, end: number): Place | null {
  const bodyEnd = end - tailLength
  const indexAt = start + head.length
  if (bodyEnd < indexAt || end - start > logLineBytesMax) return null
  if (!stands(head, bytes, start) || !stands(tailHead, bytes, bodyEnd) || !stands(tailEnd, bytes, end - tailEnd.length))
    return null
  if (hexAt(bytes, bodyEnd + tailHead.length) !== crc32(bytes, start, bodyEnd)) return null
  const indexEnd = digitsEnd(bytes, indexAt)
  const termAt = indexEnd + termHead.length
  if (!stands(termHead, bytes, indexEnd)) return null
  const index = natural(bytes, indexAt, indexEnd)
  const term = natural(bytes, termAt, digitsEnd(bytes, termAt))
  return Number.isSafeInteger(index) && Number.isSafeInteger(term) ? { index, term } : null
}

/** The checksum of a line without its newline, or null when it does not fit or the frame is wrong. */
export function checksumOf(line: string): number | null {
  const bodyEnd = line.length - tailLength + 1
  if (!line.startsWith(head) || !line.startsWith(tailHead, bodyEnd) || !line.endsWith('"}')) return null
  const crc = crc32OfText(line.slice(0, bodyEnd))
  return line.startsWith(hex(crc), bodyEnd + tailHead.length) ? crc : null
}

/** The entry of a line, with or without its newline, that `openLine`, `checksumOf` or `seal` vouches for. */
export function decode(line: string): LogEntry {
  return decodeOrder(line) ?? (JSON.parse(line) as LogEntry)
}

/**
 * An order's line, read without a general JSON parser: a restart folds every order ever made, and this takes a third of
 * the time. Null for any other line, and for one with an escaped character.
 */
function decodeOrder(line: string): LogEntry | null {
  const indexEnd = line.indexOf(',', head.length)
  const termEnd = line.indexOf(',', indexEnd + 1)
  const typeAt = termEnd + 9
  const type = line.startsWith('buy"', typeAt) ? 'buy' : line.startsWith('sell"', typeAt) ? 'sell' : null
  if (type === null || line.includes('\\', typeAt)) return null
  const numberAt = typeAt + type.length + 11
  const numberEnd = line.indexOf(',', numberAt)
  const nameAt = numberEnd + 9
  const nameEnd = line.indexOf('"', nameAt)
  const quantityAt = nameEnd + 13
  const quantityEnd = line.indexOf(',', quantityAt)
  const priceAt = quantityEnd + 9
  const priceEnd = line.indexOf(',', priceAt)
  return {
    index: digits(line, head.length, indexEnd),
    term: digits(line, indexEnd + termHead.length, termEnd),
    type,
    number: digits(line, numberAt, numberEnd),
    name: line.slice(nameAt, nameEnd),
    quantity: digits(line, quantityAt, quantityEnd),
    price: Number(line.slice(priceAt, priceEnd)),
    key: line.slice(priceEnd + 8, line.length - (line.endsWith('\n') ? tailLength : tailLength - 1) - 1),
  }
}

/** As `natural`, of text: a string of each number would be garbage at once. */
function digits(text: string, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + (text.charCodeAt(at) - 48)
  return value
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Eight digits. `toString(16)` would take the way of fractions for a number of 32 bits. */
function hex(crc: number): string {
  return `${hexByte(crc >>> 24)}${hexByte(crc >>> 16)}${hexByte(crc >>> 8)}${hexByte(crc)}`
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexByte(byte: number): string {
  return hexBytes[byte & 0xff] as string
}

function stands(text: string, bytes: Buffer, at: number): boolean {
  for (let place = 0; place < text.length; place++) if (bytes[at + place] !== text.charCodeAt(place)) return false
  return true
}

function digitsEnd(bytes: Buffer, start: number): number {
  let end = start
  while ((bytes[end] as number) >= 48 && (bytes[end] as number) <= 57) end++
  return end
}

function natural(bytes: Buffer, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + ((bytes[at] as number) - 48)
  return value
}

/** The number that 8 lower-case hex digits stand for, or -1. */
function hexAt(bytes: Buffer, start: number): number {
  let value = 0
  for (let at = start; at < start + 8; at++) {
    const code = bytes[at] as number
    if (code >= 48 && code <= 57) value = value * 16 + code - 48
    else if (code >= 97 && code <= 102) value = value * 16 + code - 87
    else return -1
  }
  return value
}

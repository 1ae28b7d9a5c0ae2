import { crc32 } from './crc32.ts'
import { head, tailEnd, tailHead, tailLength, termHead } from './line-frame.ts'
import { logLineBytesMax, newline } from './log-line.ts'
import type { Order } from './schemas.ts'

const zero = 0x30
const nine = 0x39
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c

/** How much stands between the values of an order's line. */
const typeGap = ',"type":"'.length
const numberGap = '","number":'.length
const nameGap = ',"name":"'.length
const quantityGap = '","quantity":'.length
const priceGap = ',"price":'.length
const keyGap = ',"key":"'.length

/** Parts of the frame, four bytes in a number, as a `DataView` reads them. */
const headWords = wordsOf(head)
const tailHeadWords = wordsOf(tailHead)
const termHeadWords = wordsOf(termHead)
const buyWord = wordAt('buy"', 0)
const sellWord = wordAt('sell', 0)

/** What a hex digit, lower case, stands for; -1 for any other byte. */
const hexDigits = new Int8Array(256).fill(-1)
for (const [value, digit] of Array.from('0123456789abcdef').entries()) hexDigits[digit.charCodeAt(0)] = value

/**
 * Goes through the lines of a log where they stand and makes no string or object of any: a restart checks and folds every
 * order ever made, and a replica that catches up a hundred thousand a second.
 */
export class LineCursor {
  readonly bytes: Buffer
  readonly #view: DataView
  /** Where the line begins and ends, newline included. */
  start = 0
  end = 0
  /** Its place, once `verify` or `readOrder` said yes; the term only after the first. */
  index = 0
  term = 0
  /** Its checksum, once `verify` said yes. */
  crc = 0
  /** After `readOrder` said yes. */
  number = 0
  /** What the order adds to the stock: less than 0 for one that buys. */
  stockChange = 0
  /** Where its product's name begins and ends in the bytes; characters that are escaped there still are. */
  nameStart = 0
  nameEnd = 0
  /** Where its price does. */
  priceStart = 0
  priceEnd = 0
  /** Where its key does. None of its characters is escaped. */
  keyStart = 0
  keyEnd = 0

  /** Stands before the first line. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Goes to the next line. False when no whole one is left. */
  next(): boolean {
    const end = this.bytes.indexOf(newline, this.end) + 1
    if (end === 0) return false
    this.start = this.end
    this.end = end
    return true
  }

  get isEmpty(): boolean {
    return this.end - this.start === 1
  }

  get text(): string {
    return this.bytes.toString('latin1', this.start, this.end)
  }

  /** The name of the order's product, once `readOrder` said yes. */
  get name(): string {
    const written = this.bytes.toString('latin1', this.nameStart, this.nameEnd)
    return written.includes('\\') ? JSON.parse(`"${written}"`) : written
  }

  /** The order, once `readOrder` said yes. */
  get order(): Order {
    const { number, name, stockChange } = this
    const price = Number(this.bytes.toString('latin1', this.priceStart, this.priceEnd))
    return { number, name, type: stockChange < 0 ? 'buy' : 'sell', quantity: Math.abs(stockChange), price }
  }

  /** Whether checksum and frame of the line are right. The fact is not parsed: the checksum vouches for it. */
  verify(): boolean {
    const { start, end } = this
    const bodyEnd = end - tailLength
    if (bodyEnd < start + head.length || end - start > logLineBytesMax) return false
    if (!this.#stands(headWords, start) || this.#view.getUint8(start + head.length - 1) !== colon) return false
    if (!this.#stands(tailHeadWords, bodyEnd) || !this.#ends(tailEnd)) return false
    this.crc = crc32(this.#view, start, bodyEnd)
    if (this.#hexAt(bodyEnd + tailHead.length) !== this.crc) return false
    const indexEnd = this.#digitsEnd(start + head.length)
    if (!this.#stands(termHeadWords, indexEnd)) return false
    this.index = this.#natural(start + head.length, indexEnd)
    const termAt = indexEnd + termHead.length
    this.term = this.#natural(termAt, this.#digitsEnd(termAt))
    return Number.isSafeInteger(this.index) && Number.isSafeInteger(this.term)
  }

  /**
   * Reads a line that `verify` vouches for, here or where it came from. False for one that records something else than an
   * order, or has a key with an escaped character: `decode` reads it.
   */
  readOrder(): boolean {
    const view = this.#view
    const indexAt = this.start + head.length
    const indexEnd = this.#digitsEnd(indexAt)
    const typeAt = this.#digitsEnd(indexEnd + termHead.length) + typeGap
    const type = view.getInt32(typeAt, true)
    if (type !== buyWord && type !== sellWord) return false
    const numberAt = typeAt + (type === buyWord ? 3 : 4) + numberGap
    const numberEnd = this.#digitsEnd(numberAt)
    this.nameStart = numberEnd + nameGap
    let at = this.nameStart
    for (let byte = view.getUint8(at); byte !== quote; byte = view.getUint8(at)) at += byte === backslash ? 2 : 1
    this.nameEnd = at
    const quantityAt = at + quantityGap
    const quantityEnd = this.#digitsEnd(quantityAt)
    this.priceStart = quantityEnd + priceGap
    at = this.priceStart
    while (view.getUint8(at) !== comma) at++
    this.priceEnd = at
    this.keyStart = at + keyGap
    this.keyEnd = this.end - tailLength - 1
    this.index = this.#natural(indexAt, indexEnd)
    this.number = this.#natural(numberAt, numberEnd)
    const quantity = this.#natural(quantityAt, quantityEnd)
    this.stockChange = type === buyWord ? -quantity : quantity
    for (at = this.keyStart; at < this.keyEnd; at++) if (view.getUint8(at) === backslash) return false
    return true
  }

  #stands([first, second]: Words, at: number): boolean {
    return this.#view.getInt32(at, true) === first && this.#view.getInt32(at + 4, true) === second
  }

  #ends(text: string): boolean {
    const at = this.end - text.length
    for (let place = 0; place < text.length; place++) {
      if (this.#view.getUint8(at + place) !== text.charCodeAt(place)) return false
    }
    return true
  }

  #digitsEnd(start: number): number {
    let end = start
    for (let byte = this.#view.getUint8(end); byte >= zero && byte <= nine; byte = this.#view.getUint8(end)) end++
    return end
  }

  #natural(start: number, end: number): number {
    let value = 0
    for (let at = start; at < end; at++) value = value * 10 + (this.#view.getUint8(at) - zero)
    return value
  }

  /** The number that 8 hex digits stand for; one that cannot be a checksum if any is none. */
  #hexAt(start: number): number {
    let value = 0
    for (let at = start; at < start + 8; at++) {
      const digit = hexDigits[this.#view.getUint8(at)] as number
      if (digit < 0) return -1
      value = (value << 4) | digit
    }
    return value >>> 0
  }
}

type Words = readonly [number, number]

/** The first eight characters of an ASCII text. */
function wordsOf(text: string): Words {
  return [wordAt(text, 0), wordAt(text, 4)]
}

function wordAt(text: string, start: number): number {
  let word = 0
  for (let place = 0; place < 4; place++) word |= text.charCodeAt(start + place) << (8 * place)
  return word
}

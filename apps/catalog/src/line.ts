import { crc32 } from 'node:zlib'
import type { LogEntry } from '@bazaar/client'

/** The end of every line of the log: this, 8 hex digits, `"}`. */
const tailHead = ',"crc":"'
const tailLength = tailHead.length + 10

/** A line of the log that is not what its replica once wrote: it was damaged on the disk or on the way. */
export class CorruptLineError extends Error {
  override readonly name = 'CorruptLineError'
}

/** An entry and the checksum of its line, which tells it from any other entry at its index. */
export interface CheckedEntry {
  entry: LogEntry
  crc: number
}

/**
 * Checks and parses one line of the log (without its newline): the last field is the CRC-32 of all that stands before.
 * The line is ASCII, so a string's characters are the bytes the checksum was made of.
 *
 * @throws CorruptLineError
 */
export function readLine(line: string): CheckedEntry {
  const crc = crc32(line.slice(0, -tailLength))
  const framed = line.startsWith(tailHead, line.length - tailLength) && line.endsWith('"}')
  if (!framed || crc !== Number(`0x${line.slice(-10, -2)}`)) {
    throw new CorruptLineError(`the checksum of this line of the log does not fit: ${line.slice(0, 200)}`)
  }
  return { entry: JSON.parse(line) as LogEntry, crc }
}

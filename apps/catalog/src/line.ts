import { checksumOf, decode, type LogEntry } from '@bazaar/client'

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
 * Checks and parses one line of the log (without its newline).
 *
 * @throws CorruptLineError
 */
export function readLine(line: string): CheckedEntry {
  const crc = checksumOf(line)
  if (crc === null) {
    throw new CorruptLineError(`the checksum of this line of the log does not fit: ${line.slice(0, 200)}`)
  }
  return { entry: decode(line), crc }
}

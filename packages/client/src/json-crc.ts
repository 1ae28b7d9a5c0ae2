import { crc32 } from 'node:zlib'

/** The checksum that small documents carry: CRC-32 of the value's JSON, 8 hex digits. */
export function jsonCrc(value: unknown): string {
  return crc32(JSON.stringify(value)).toString(16).padStart(8, '0')
}

/**
 * CRC-32 (ISO-HDLC, as in zlib) of bytes where they stand, eight at a time ("slicing-by-8", Kounavis and Berry 2008).
 * zlib's own takes a buffer, not a place in one; for a line of a log it takes longer to make that than to add up the bytes.
 */

const polynomial = 0xedb88320

/** What a byte adds when n more bytes follow within the eight: at 256 × n. */
const table = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ polynomial
  table[byte] = value
}
for (let place = 256; place < table.length; place++) {
  const before = table[place - 256] as number
  table[place] = (before >>> 8) ^ (table[before & 0xff] as number)
}

/** The checksum of the bytes from `start` up to `end`. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    crc =
      sum(0x700, crc ^ byte(bytes, at)) ^
      sum(0x600, (crc >>> 8) ^ byte(bytes, at + 1)) ^
      sum(0x500, (crc >>> 16) ^ byte(bytes, at + 2)) ^
      sum(0x400, (crc >>> 24) ^ byte(bytes, at + 3)) ^
      sum(0x300, byte(bytes, at + 4)) ^
      sum(0x200, byte(bytes, at + 5)) ^
      sum(0x100, byte(bytes, at + 6)) ^
      sum(0, byte(bytes, at + 7))
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ sum(0, crc ^ byte(bytes, at))
  return ~crc >>> 0
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

function sum(place: number, value: number): number {
  return table[place + (value & 0xff)] as number
}

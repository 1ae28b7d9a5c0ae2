/**
 * CRC-32 (ISO-HDLC, as in zlib) of bytes where they stand, sixteen at a time ("slicing", Kounavis and Berry 2008). zlib's
 * own takes a buffer, not a place in one; for a line of a log it takes longer to make that than to add up the bytes.
 */

const polynomial = 0xedb88320

/** What a byte adds when n more bytes follow within the sixteen: at 256 × n. */
const table = new Int32Array(16 * 256)
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
export function crc32(bytes: DataView, start: number, end: number): number {
  let crc = -1
  let at = start
  for (; at + 16 <= end; at += 16) {
    crc =
      sum(12, crc ^ bytes.getInt32(at, true)) ^
      sum(8, bytes.getInt32(at + 4, true)) ^
      sum(4, bytes.getInt32(at + 8, true)) ^
      sum(0, bytes.getInt32(at + 12, true))
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (table[(crc ^ bytes.getUint8(at)) & 0xff] as number)
  return ~crc >>> 0
}

/** What four bytes add when `behind` more follow within the sixteen. */
function sum(behind: number, bytes: number): number {
  const place = behind << 8
  return (
    (table[place + 0x300 + (bytes & 0xff)] as number) ^
    (table[place + 0x200 + ((bytes >>> 8) & 0xff)] as number) ^
    (table[place + 0x100 + ((bytes >>> 16) & 0xff)] as number) ^
    (table[place + (bytes >>> 24)] as number)
  )
}

/** What stands around the place, the fact and the checksum of a log line; see `log-line.ts`. */
export const head = '{"index":'
export const termHead = ',"term":'
export const tailHead = ',"crc":"'
export const tailEnd = '"}\n'
export const tailLength = tailHead.length + 8 + tailEnd.length

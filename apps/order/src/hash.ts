/** FNV-1a of the bytes from `start` up to `end`, with a seed and a final mix: 32 bits, never 0, which stands for nothing. */
export function hash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let sum = seed ^ 0x811c9dc5
  for (let at = start; at < end; at++) sum = Math.imul(sum ^ (bytes[at] as number), 0x01000193)
  sum = Math.imul(sum ^ (sum >>> 16), 0x7feb352d)
  sum = Math.imul(sum ^ (sum >>> 15), 0x846ca68b)
  return (sum ^ (sum >>> 16)) >>> 0 || 1
}

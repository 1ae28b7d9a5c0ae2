/** Numbers that a seed determines: the same seed and stream give the same numbers on every machine. */
export interface Random {
  /** The next number in [0, 1). */
  next(): number
  /** The next integer in [0, limit). */
  below(limit: number): number
  /** One of the items, each as likely. The list must not be empty. */
  pick<Item>(items: readonly Item[]): Item
}

/**
 * A small generator for workloads, not for secrets: a Weyl sequence through a 32-bit mixing function, the scheme of
 * SplitMix (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
 *
 * `stream` gives independent sequences under one seed, one for each client.
 */
export function seededRandom(seed: number, stream = 0): Random {
  let state = mix((seed | 0) ^ mix(Math.imul(stream + 1, 0x9e3779b9)))
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0
    return (mix(state) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)]
    if (item === undefined) throw new RangeError(`pick needs at least one item, got ${items.length}`)
    return item
  }
  return { next, below, pick }
}

/** Flipping any bit of the input flips each bit of the output about half of the time. */
function mix(value: number): number {
  let bits = value
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return bits ^ (bits >>> 15)
}

/**
 * A set of operations as 128 bits (Zobrist 1970): the exclusive or of a pseudo-random number per member, so adding and
 * removing are one and the same step. Two of a million sets agree by chance with a probability under 2^-88.
 */
export class Fingerprint {
  readonly #words = new Uint32Array(4)

  /** Adds the member if it is absent, removes it if it is present. Members are non-negative integers. */
  toggle(member: number): void {
    for (let word = 0; word < 4; word++) this.#words[word] = (this.#words[word] as number) ^ mix(member, word)
  }

  toString(): string {
    return this.#words.join(',')
  }
}

/** The finalizer of MurmurHash3, twice, with a different start for each word. */
function mix(member: number, word: number): number {
  return finalize(finalize(member + 0x9e3779b9 * (word + 1)) + 0x7f4a7c15 * (word + 1))
}

function finalize(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

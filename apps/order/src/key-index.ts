/**
 * Which log entry carries an idempotency key, for the last `entriesMax` entries of the log.
 *
 * A Map of a million keys takes 100 MB; this takes 20: an open-addressing table of (hash, index) with linear probing.
 * Keys themselves stay in the log: the caller says, by reading the entry, whether a candidate really has the key.
 * The hash is seeded by the process, so keys that collide in one do not in another.
 */
export class KeyIndex {
  readonly #entriesMax: number
  readonly #seed: number
  #hashes = new Uint32Array(1024)
  #indexes = new Uint32Array(1024)
  /** The hash of each entry's key, by index modulo its length, so that the oldest can be removed again; 0 is none. */
  #ring: Uint32Array
  #size = 0

  constructor(entriesMax: number, seed: number) {
    this.#entriesMax = entriesMax
    this.#seed = seed | 0
    this.#ring = new Uint32Array(Math.min(512, entriesMax))
  }

  /** Notes every entry, from index 1 on without gaps; null: it has no key. Forgets what is `entriesMax` behind. */
  add(key: string | null, index: number): void {
    this.#makeRoom(index)
    const hash = key === null ? 0 : this.#hash(key)
    this.#ring[index % this.#ring.length] = hash
    if (hash === 0) return
    this.#insert(hash, index)
    this.#size++
    if (this.#size * 2 > this.#hashes.length) this.#resizeTable(this.#hashes.length * 2)
  }

  /** The index of the entry for which `hasKey` confirms the key, or null. */
  find(key: string, hasKey: (index: number) => boolean): number | null {
    const hash = this.#hash(key)
    const mask = this.#hashes.length - 1
    for (let slot = hash & mask; this.#hashes[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.#indexes[slot] as number
      if (this.#hashes[slot] === hash && hasKey(index)) return index
    }
    return null
  }

  /** Makes the place of `index` in the ring free: the ring grows until it holds `entriesMax`, then the oldest goes. */
  #makeRoom(index: number): void {
    while (index >= this.#ring.length && this.#ring.length < this.#entriesMax) this.#growRing(index)
    const place = index % this.#ring.length
    const oldest = this.#ring[place] as number
    if (oldest !== 0) this.#remove(oldest, index - this.#ring.length)
  }

  #growRing(index: number): void {
    const ring = new Uint32Array(Math.min(this.#ring.length * 2, this.#entriesMax))
    // Until the ring is full it is filled from the left, index by index, so a copy keeps every place.
    ring.set(this.#ring.subarray(0, Math.min(index, this.#ring.length)))
    this.#ring = ring
  }

  #insert(hash: number, index: number): void {
    const mask = this.#hashes.length - 1
    let slot = hash & mask
    while (this.#hashes[slot] !== 0) slot = (slot + 1) & mask
    this.#hashes[slot] = hash
    this.#indexes[slot] = index
  }

  /** Deletion by backward shift (Knuth 6.4, algorithm R): no tombstones, so probing stays short for ever. */
  #remove(hash: number, index: number): void {
    const mask = this.#hashes.length - 1
    let hole = hash & mask
    while (this.#indexes[hole] !== index || this.#hashes[hole] !== hash) {
      if (this.#hashes[hole] === 0) return
      hole = (hole + 1) & mask
    }
    for (let slot = (hole + 1) & mask; this.#hashes[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (this.#hashes[slot] as number) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#hashes[hole] = this.#hashes[slot] as number
      this.#indexes[hole] = this.#indexes[slot] as number
      hole = slot
    }
    this.#hashes[hole] = 0
    this.#size--
  }

  #resizeTable(length: number): void {
    const hashes = this.#hashes
    const indexes = this.#indexes
    this.#hashes = new Uint32Array(length)
    this.#indexes = new Uint32Array(length)
    for (let slot = 0; slot < hashes.length; slot++) {
      if (hashes[slot] !== 0) this.#insert(hashes[slot] as number, indexes[slot] as number)
    }
  }

  /** FNV-1a with a seed and a final mix; never 0, which marks an empty slot. */
  #hash(key: string): number {
    let hash = this.#seed ^ 0x811c9dc5
    for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
    hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
    return (hash ^ (hash >>> 16)) >>> 0 || 1
  }
}

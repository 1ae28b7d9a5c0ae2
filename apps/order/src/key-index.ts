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
  /** Hash and index of each slot, side by side: they are always needed together. */
  #table = new Uint32Array(2 * 1024)
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
    if (this.#size * 4 > this.#table.length) this.#growTable()
  }

  /** The index of the entry for which `hasKey` confirms the key, or null. */
  find(key: string, hasKey: (index: number) => boolean): number | null {
    const hash = this.#hash(key)
    const table = this.#table
    for (let slot = home(hash, table); table[slot] !== 0; slot = next(slot, table)) {
      const index = table[slot + 1] as number
      if (table[slot] === hash && hasKey(index)) return index
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
    const table = this.#table
    let slot = home(hash, table)
    while (table[slot] !== 0) slot = next(slot, table)
    table[slot] = hash
    table[slot + 1] = index
  }

  /** Deletion by backward shift (Knuth 6.4, algorithm R): no tombstones, so probing stays short for ever. */
  #remove(hash: number, index: number): void {
    const table = this.#table
    const mask = table.length - 1
    let hole = home(hash, table)
    while (table[hole + 1] !== index || table[hole] !== hash) {
      if (table[hole] === 0) return
      hole = next(hole, table)
    }
    for (let slot = next(hole, table); table[slot] !== 0; slot = next(slot, table)) {
      const wanted = home(table[slot] as number, table)
      if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue
      table[hole] = table[slot] as number
      table[hole + 1] = table[slot + 1] as number
      hole = slot
    }
    table[hole] = 0
    this.#size--
  }

  #growTable(): void {
    const smaller = this.#table
    this.#table = new Uint32Array(2 * smaller.length)
    for (let slot = 0; slot < smaller.length; slot += 2) {
      if (smaller[slot] !== 0) this.#insert(smaller[slot] as number, smaller[slot + 1] as number)
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

/** Where the search for a hash begins in a table of two numbers a slot. */
function home(hash: number, table: Uint32Array): number {
  return (2 * hash) & (table.length - 1)
}

function next(slot: number, table: Uint32Array): number {
  return (slot + 2) & (table.length - 1)
}

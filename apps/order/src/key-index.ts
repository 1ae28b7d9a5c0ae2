import { hash } from './hash.ts'

const none = new Uint8Array()

/**
 * Which log entry carries an idempotency key, for the last `entriesMax` entries of the log.
 *
 * A Map of a million keys takes 100 MB; this takes 12: an open-addressing table of indexes with linear probing, and the
 * hash of each entry's key. Keys themselves stay in the log: the caller says, by reading the entry, whether a candidate
 * really has the key. The hash is seeded by the process, so keys that collide in one do not in another.
 */
export class KeyIndex {
  readonly #entriesMax: number
  readonly #seed: number
  /** The index of the entry in each slot; 0 is none. */
  #table = new Uint32Array(1024)
  /** The hash of each entry's key, by index modulo its length, so that the oldest can be removed again; 0 is none. */
  #ring: Uint32Array<ArrayBuffer>
  #size = 0

  constructor(entriesMax: number, seed: number) {
    this.#entriesMax = entriesMax
    this.#seed = seed
    this.#ring = new Uint32Array(Math.min(512, entriesMax))
  }

  /**
   * Notes every entry, from index 1 on without gaps, with its key, which stands in `bytes` from `start` up to `end`; with
   * none it has no key. Forgets what is `entriesMax` behind.
   */
  add(index: number, bytes: Uint8Array = none, start = 0, end = bytes.length): void {
    this.#makeRoom(index)
    const hashed = end > start ? hash(bytes, start, end, this.#seed) : 0
    this.#ring[index % this.#ring.length] = hashed
    if (hashed === 0) return
    this.#insert(index)
    this.#size++
    if (this.#size * 2 > this.#table.length) this.#growTable()
  }

  /** What `withKey` makes of the entry that has the key, or null: it answers null for every other one. */
  find<T>(key: string, withKey: (index: number) => T | null): T | null {
    const bytes = Buffer.from(key)
    const hashed = hash(bytes, 0, bytes.length, this.#seed)
    const table = this.#table
    for (let slot = home(hashed, table); table[slot] !== 0; slot = next(slot, table)) {
      const index = table[slot] as number
      const found = this.#hashOf(index) === hashed ? withKey(index) : null
      if (found !== null) return found
    }
    return null
  }

  /** Makes the place of `index` in the ring free: the ring grows until it holds `entriesMax`, then the oldest goes. */
  #makeRoom(index: number): void {
    while (index >= this.#ring.length && this.#ring.length < this.#entriesMax) this.#growRing()
    const place = index % this.#ring.length
    if (this.#ring[place] !== 0) this.#remove(index - this.#ring.length)
  }

  /** Until it is full the ring is filled from the left, index by index, so what is there keeps its place. */
  #growRing(): void {
    const length = Math.min(this.#ring.length * 2, this.#entriesMax)
    this.#ring = new Uint32Array(this.#ring.buffer.transfer(length * Uint32Array.BYTES_PER_ELEMENT))
  }

  #insert(index: number): void {
    const table = this.#table
    let slot = home(this.#hashOf(index), table)
    while (table[slot] !== 0) slot = next(slot, table)
    table[slot] = index
  }

  /** Deletion by backward shift (Knuth 6.4, algorithm R): no tombstones, so probing stays short for ever. */
  #remove(index: number): void {
    const table = this.#table
    const mask = table.length - 1
    let hole = home(this.#hashOf(index), table)
    while (table[hole] !== index) {
      if (table[hole] === 0) return
      hole = next(hole, table)
    }
    for (let slot = next(hole, table); table[slot] !== 0; slot = next(slot, table)) {
      const wanted = home(this.#hashOf(table[slot] as number), table)
      if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue
      table[hole] = table[slot] as number
      hole = slot
    }
    table[hole] = 0
    this.#size--
  }

  #growTable(): void {
    const smaller = this.#table
    this.#table = new Uint32Array(2 * smaller.length)
    for (const index of smaller) if (index !== 0) this.#insert(index)
    // Gives the memory back now: megabytes, which a collection might find much later.
    smaller.buffer.transfer(0)
  }

  /** Of the key of an entry that is remembered. */
  #hashOf(index: number): number {
    return this.#ring[index % this.#ring.length] as number
  }
}

/** Where the search for a hash begins. */
function home(hashed: number, table: Uint32Array): number {
  return hashed & (table.length - 1)
}

function next(slot: number, table: Uint32Array): number {
  return (slot + 1) & (table.length - 1)
}

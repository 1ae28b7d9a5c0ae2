import { hash } from './hash.ts'

const none = new Uint8Array()
/** Entries for which there is room at first. */
const roomAtFirst = 512
/**
 * Entries that are put into the table together: each goes to a place of its own in megabytes, and in a loop that does
 * nothing else the processor fetches many of these places at a time.
 */
const tabledTogetherMax = 64

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
  /** The index of the entry in each slot; 0 is none. At most half of the slots are taken. */
  #table = new Uint32Array(2 * roomAtFirst)
  /** The hash of each entry's key, by index modulo its length, so that the oldest can be removed again; 0 is none. */
  #ring: Uint32Array<ArrayBuffer>
  #lastIndex = 0
  /** The entries up to here are in the table. */
  #tabledIndex = 0
  readonly #tabledTogether: number

  constructor(entriesMax: number, seed: number) {
    this.#entriesMax = entriesMax
    this.#seed = seed
    this.#ring = new Uint32Array(Math.min(roomAtFirst, entriesMax))
    this.#tabledTogether = Math.min(tabledTogetherMax, entriesMax)
  }

  /** Makes room for the entries up to `last`, which will follow. Growing bit by bit takes as long as adding them. */
  reserve(last: number): void {
    const { length } = this.#ring
    if (last < length || length === this.#entriesMax) return
    let room = length
    while (room <= last && room < this.#entriesMax) room *= 2
    // Until it is full the ring is filled from the left, index by index, so what is there keeps its place.
    const ringBytes = Math.min(room, this.#entriesMax) * Uint32Array.BYTES_PER_ELEMENT
    this.#ring = new Uint32Array(this.#ring.buffer.transfer(ringBytes))
    this.#growTable(2 * room)
  }

  /**
   * Notes every entry, from index 1 on without gaps, with its key, which stands in `bytes` from `start` up to `end`; with
   * none it has no key. Forgets what is `entriesMax` behind.
   */
  add(index: number, bytes: Uint8Array = none, start = 0, end = bytes.length): void {
    this.reserve(index)
    const place = index % this.#ring.length
    if (this.#ring[place] !== 0) this.#remove(index - this.#ring.length)
    this.#ring[place] = end > start ? hash(bytes, start, end, this.#seed) : 0
    this.#lastIndex = index
    if (index - this.#tabledIndex >= this.#tabledTogether) this.#tableAll()
  }

  /** What `withKey` makes of the entry that has the key, or null: it answers null for every other one. */
  find<T>(key: string, withKey: (index: number) => T | null): T | null {
    this.#tableAll()
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

  #tableAll(): void {
    for (let index = this.#tabledIndex + 1; index <= this.#lastIndex; index++) {
      if (this.#hashOf(index) !== 0) this.#insert(index)
    }
    this.#tabledIndex = this.#lastIndex
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
    while (table[hole] !== index) hole = next(hole, table)
    for (let slot = next(hole, table); table[slot] !== 0; slot = next(slot, table)) {
      const wanted = home(this.#hashOf(table[slot] as number), table)
      if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue
      table[hole] = table[slot] as number
      hole = slot
    }
    table[hole] = 0
  }

  #growTable(length: number): void {
    const smaller = this.#table
    this.#table = new Uint32Array(length)
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

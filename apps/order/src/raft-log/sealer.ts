import { seal } from '@bazaar/client/contract'
import type { Entry } from '@bazaar/raft'

const slabBytes = 1 << 16

/** Makes entries. The lines of those that are made together stand one behind the other, so that they are copied as one. */
export class Sealer {
  #slab = Buffer.alloc(0)
  #used = 0

  /** The entry for an encoded fact; null is a leader's no-op. */
  seal(index: number, term: number, fact: string | null): Entry {
    const line = seal(index, term, fact)
    // A new one rather than the old one again: whoever has an entry may keep it.
    if (this.#used + line.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#used = 0
    }
    const start = this.#used
    this.#used += this.#slab.write(line, start, 'latin1')
    return { index, term, bytes: this.#slab, start, end: this.#used }
  }
}

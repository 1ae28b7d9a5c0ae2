import { seeded } from '../../packages/linearizability/test/random.ts'

/** Randomness from a seed. Each part of the simulator draws from a fork of its own, so one does not shift another. */
export class Random {
  readonly #seed: number
  /** Uniform in [0, 1). */
  readonly next: () => number

  constructor(seed: number) {
    this.#seed = seed
    this.next = seeded(seed)
    // The first numbers of neighbouring seeds look alike.
    for (let skipped = 0; skipped < 4; skipped++) this.next()
  }

  /** An independent source that depends on the seed and the name only. */
  fork(name: string): Random {
    let hash = this.#seed ^ 0x811c9dc5
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
    return new Random(hash)
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  /** One of the keys, each with its weight; at least one weight is above 0. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][]
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    return (entries.at(-1) as [K, number])[0]
  }
}

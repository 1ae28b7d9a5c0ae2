import type { Life } from './life.ts'
import type { Random } from './random.ts'

/** How bad the network is, for a whole run. */
export interface NetworkQuality {
  /** Milliseconds a message takes, at least and at most. */
  readonly delayMs: readonly [number, number]
  /** Probability that a message between replicas gets lost, comes twice, or is overtaken by later ones. */
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
}

/** A message that is overtaken is late by so much at most. */
const overtakenMs = 20

/** Which processes run, and which messages arrive when. Processes go by their names. */
export class Network {
  readonly quality: NetworkQuality
  readonly #random: Random
  readonly #running = new Map<string, Life>()
  /** Ordered pairs `from>to` that nothing passes. */
  readonly #blocked = new Set<string>()
  readonly #cutListeners = new Set<(one: string, other: string) => void>()

  constructor(quality: NetworkQuality, random: Random) {
    this.quality = quality
    this.#random = random
  }

  /** The process listens from now on, until its life ends. */
  listen(life: Life): void {
    this.#running.set(life.name, life)
    life.onEnd(() => {
      if (this.#running.get(life.name) === life) this.#running.delete(life.name)
    })
  }

  running(name: string): Life | null {
    return this.#running.get(name) ?? null
  }

  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`)
  }

  unblock(pairs: readonly (readonly [string, string])[]): void {
    for (const [from, to] of pairs) this.#blocked.delete(`${from}>${to}`)
  }

  blocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`)
  }

  heal(): void {
    this.#blocked.clear()
  }

  /** Closes the connections between two processes. */
  cut(one: string, other: string): void {
    for (const listener of [...this.#cutListeners]) listener(one, other)
  }

  onCut(life: Life, listener: (one: string, other: string) => void): void {
    this.#cutListeners.add(listener)
    life.onEnd(() => this.#cutListeners.delete(listener))
  }

  delay(): number {
    const [low, high] = this.quality.delayMs
    return this.#random.between(low, high)
  }

  /** The delays after which a message between replicas arrives: none when it is lost, several when it is doubled. */
  arrivals(): { delayMs: number; overtaken: boolean }[] {
    const { loss, duplication, reordering } = this.quality
    const copies = this.#random.chance(loss) ? 0 : this.#random.chance(duplication) ? 2 : 1
    return Array.from({ length: copies }, (_, copy) => {
      const overtaken = copy > 0 || this.#random.chance(reordering)
      return { delayMs: this.delay() + (overtaken ? this.#random.between(0, overtakenMs) : 0), overtaken }
    })
  }
}

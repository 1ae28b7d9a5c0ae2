import { BazaarError, LineCursor, seal } from '@bazaar/client'
import type { Leadership, ReplicatedLog } from '../src/replicated-log.ts'

/** A log of one member in memory. A test can hold commits back and take leadership away. */
export class MemoryLog implements ReplicatedLog {
  leadership: Leadership = { leading: false, leader: null, term: 0 }
  accepting = true
  appliedIndex = 0
  /** Commits wait while this is true. */
  held = false
  readonly #lines: string[] = []
  #waiting: { until: number; resolve: () => void; reject: (error: Error) => void }[] = []
  onCommitted: (lines: LineCursor, last: number) => void = () => {}
  onLeadership: (leadership: Leadership) => void = () => {}

  /** What was proposed, as it stands in the log. */
  get proposed(): readonly string[] {
    return this.#lines
  }

  lead(): void {
    this.leadership = { leading: true, leader: 'order-1', term: this.leadership.term + 1 }
    this.#append(null)
    this.onLeadership(this.leadership)
  }

  /** Another one leads; what was not committed is lost. */
  depose(): void {
    this.#lines.length = this.appliedIndex
    this.leadership = { leading: false, leader: 'order-2', term: this.leadership.term + 1 }
    for (const { reject } of this.#waiting.splice(0)) reject(new BazaarError('NOT_LEADER', 'deposed', 'order-2'))
    this.onLeadership(this.leadership)
  }

  async propose(facts: readonly string[]): Promise<number> {
    const first = this.#lines.length + 1
    for (const fact of facts) this.#append(fact)
    await this.#applied(this.#lines.length)
    return first
  }

  barrier(): Promise<void> {
    return this.#applied(this.held ? this.appliedIndex + 1 : this.#lines.length)
  }

  release(): void {
    this.held = false
    this.#commit()
  }

  lines(from: number, to: number): Buffer {
    return Buffer.from(this.#lines.slice(from - 1, to).join(''), 'latin1')
  }

  #append(fact: string | null): void {
    this.#lines.push(seal(this.#lines.length + 1, this.leadership.term, fact))
    queueMicrotask(() => this.#commit())
  }

  #applied(until: number): Promise<void> {
    if (!this.leadership.leading) return Promise.reject(new BazaarError('NOT_LEADER', 'not me', null))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ until, resolve, reject })
      queueMicrotask(() => this.#commit())
    })
  }

  #commit(): void {
    if (this.held) return
    const from = this.appliedIndex
    this.appliedIndex = this.#lines.length
    const lines = this.#lines.slice(from).join('')
    if (lines !== '') this.onCommitted(new LineCursor(Buffer.from(lines, 'latin1')), this.appliedIndex)
    const waiting = this.#waiting
    this.#waiting = waiting.filter(({ until }) => until > this.appliedIndex)
    for (const { until, resolve } of waiting) if (until <= this.appliedIndex) resolve()
  }
}

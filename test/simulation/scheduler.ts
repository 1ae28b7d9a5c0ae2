export interface Scheduled {
  readonly at: number
  readonly order: number
  run: (() => void) | null
}

/**
 * Virtual time: a queue of events, one after the other, those of one moment in the order in which they were scheduled.
 * After each event all promises settle before the next, and nothing but an event can start anything, so a run depends on
 * nothing but what was scheduled.
 */
export class Scheduler {
  readonly #heap: Scheduled[] = []
  #now = 0
  #scheduled = 0
  #events = 0

  /** Milliseconds since the start of the run. */
  get now(): number {
    return this.#now
  }

  /** Events so far. */
  get events(): number {
    return this.#events
  }

  after(delayMs: number, run: () => void): Scheduled {
    const scheduled: Scheduled = { at: this.#now + Math.max(0, delayMs), order: this.#scheduled++, run }
    this.#push(scheduled)
    return scheduled
  }

  cancel(scheduled: Scheduled): void {
    scheduled.run = null
  }

  /** Runs events until the condition holds (asked after each) or the clock would pass `until`. */
  async run(until: number, enough: () => boolean = () => false): Promise<void> {
    await settle()
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop()
      const { run } = next
      if (run === null) continue
      this.#now = next.at
      this.#events++
      run()
      await settle()
      if (enough()) return
    }
    if (this.#now < until) this.#now = until
  }

  #push(scheduled: Scheduled): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(scheduled)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!earlier(scheduled, heap[parent] as Scheduled)) break
      heap[at] = heap[parent] as Scheduled
      at = parent
    }
    heap[at] = scheduled
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Scheduled
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && earlier(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child++
      if (!earlier(heap[child] as Scheduled, last)) break
      heap[at] = heap[child] as Scheduled
      at = child
    }
    heap[at] = last
  }
}

function earlier(one: Scheduled, other: Scheduled): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

/** Node runs a tick only after the queue of promise reactions is empty, so this resolves when all promises have settled. */
function settle(): Promise<void> {
  return new Promise(resolve => process.nextTick(resolve))
}

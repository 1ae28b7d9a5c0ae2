import { assert } from './assert.ts'
import type { Entry, TermRun } from './types.ts'

/**
 * What the core knows of the log: its last index and the terms, run-length coded. The lines stay with the driver, so the
 * size depends on the number of elections, not of orders. Indexes start at 1; index 0 stands before the log, with term 0.
 */
export class Log {
  #lastIndex: number
  readonly #runs: TermRun[]

  /** Throws when the runs do not describe `lastIndex` entries with rising terms. */
  constructor(lastIndex: number, runs: readonly TermRun[]) {
    this.#lastIndex = lastIndex
    this.#runs = runs.map(({ from, term }) => ({ from, term }))
    assert(runs.length > 0 ? runs[0]?.from === 1 : lastIndex === 0, 'the first run of terms starts at index 1', runs[0])
    for (const [position, run] of runs.entries()) {
      const before = runs[position - 1]
      assert(run.from <= lastIndex, `a run of terms starts within the log of ${lastIndex}`, run)
      assert(run.term > (before?.term ?? 0) && run.from > (before?.from ?? 0), 'runs of terms rise', run)
    }
  }

  /** 0 when the log is empty. */
  get lastIndex(): number {
    return this.#lastIndex
  }

  /** 0 when the log is empty. */
  get lastTerm(): number {
    return this.#runs.at(-1)?.term ?? 0
  }

  /** The term of the entry at `index`, 0 for index 0, null past the end. */
  termAt(index: number): number | null {
    if (index === 0) return 0
    if (index < 0 || index > this.#lastIndex) return null
    const last = this.#runs.at(-1)
    if (last !== undefined && index >= last.from) return last.term
    return this.#run(this.#countRuns(run => run.from <= index) - 1).term
  }

  /** Whether a log that ends so is at least as up-to-date as this one (section 5.4.1). */
  isCoveredBy(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.#lastIndex)
  }

  /** The greatest index up to `limit` whose term is at most `term`; 0 when there is none. */
  lastIndexWithin(term: number, limit: number): number {
    const count = this.#countRuns(run => run.term <= term)
    if (count === 0) return 0
    const end = count === this.#runs.length ? this.#lastIndex : this.#run(count).from - 1
    return Math.min(end, limit)
  }

  /** Adds the next entry. Throws when its index leaves a gap or its term falls. */
  append(entry: Pick<Entry, 'index' | 'term'>): void {
    assert(entry.index === this.#lastIndex + 1, 'an appended entry follows the last index', entry.index)
    const { lastTerm } = this
    assert(entry.term >= lastTerm, 'terms never fall along the log', entry.term)
    this.#lastIndex = entry.index
    if (entry.term > lastTerm) this.#runs.push({ from: entry.index, term: entry.term })
  }

  /** Drops the entries from `from` on. */
  truncate(from: number): void {
    assert(from >= 1 && from <= this.#lastIndex, `a truncation starts within the log of ${this.#lastIndex}`, from)
    this.#lastIndex = from - 1
    this.#runs.length = this.#countRuns(run => run.from < from)
  }

  #run(position: number): TermRun {
    const run = this.#runs[position]
    assert(run !== undefined, 'every index lies in a run of terms', position)
    return run
  }

  /** How many leading runs satisfy the condition, which must hold for a prefix of them: a binary search. */
  #countRuns(holds: (run: TermRun) => boolean): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(this.#run(middle))) low = middle + 1
      else high = middle
    }
    return low
  }
}

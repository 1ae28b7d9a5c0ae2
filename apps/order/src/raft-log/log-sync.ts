import type { DiskFile } from './disk.ts'

/** A length of the log in bytes, and the last entry within it. */
export interface LogPoint {
  readonly bytes: number
  readonly index: number
}

/**
 * Up to where the log itself is on disk, and what brings that further. One sync at a time: Linux tells only one of two
 * that a write failed. Whoever comes while one is under way shares the next.
 */
export class LogSync {
  readonly #file: DiskFile
  readonly #written: () => LogPoint
  #synced: LogPoint = { bytes: 0, index: 0 }
  /** What the sync under way will have put on disk. */
  #goal: LogPoint = { bytes: 0, index: 0 }
  #underWay: Promise<void> | null = null
  #next: Promise<void> | null = null

  /** `written` says what the file has by now, on disk or not. */
  constructor(file: DiskFile, written: () => LogPoint) {
    this.#file = file
    this.#written = written
  }

  get synced(): LogPoint {
    return this.#synced
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null
  }

  /** Puts what is written by now on disk, in a thread. A failure is final. */
  inThread(): Promise<void> {
    if (this.#underWay === null) return this.#start(() => this.#file.syncInThread()) as Promise<void>
    this.#next ??= this.#underWay.then(() => {
      this.#next = null
      return this.inThread()
    })
    return this.#next
  }

  /** As `inThread`, or in place where the disk is quick; then null, and it is on disk already. */
  soon(): Promise<void> | null {
    return this.#underWay === null ? this.#start(() => this.#file.sync()) : this.inThread()
  }

  /** The log was cut at this point: it ends there, and so does what is or will be on disk. */
  cut(point: LogPoint): void {
    this.#synced = earlier(this.#synced, point)
    this.#goal = earlier(this.#goal, point)
  }

  #start(sync: () => Promise<void> | null): Promise<void> | null {
    this.#goal = this.#written()
    const syncing = sync()
    if (syncing === null) this.#end()
    else this.#underWay = syncing.then(() => this.#end())
    return this.#underWay
  }

  #end(): void {
    this.#underWay = null
    if (this.#goal.bytes > this.#synced.bytes) this.#synced = this.#goal
  }
}

function earlier(one: LogPoint, other: LogPoint): LogPoint {
  return one.bytes <= other.bytes ? one : other
}

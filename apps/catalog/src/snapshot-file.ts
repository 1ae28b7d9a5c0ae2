import { join } from 'node:path'
import type { Clock, Timer } from '@bazaar/client'
import { CorruptFileError, type Disk, DurableJSONFile, isDiskFull, realDisk } from '@bazaar/service'
import { Low } from 'lowdb'
import type { Products, Snapshot } from './products.ts'

/** How often a changed state is written, in ms, at most: what a crash loses is read from the log again. */
const snapshotIntervalMs = 5_000

/** Keeps the products in `catalog.json`, so that a restart reads only the end of the log. */
export class SnapshotFile {
  readonly #low: Low<Snapshot | null>
  readonly #products: Products
  readonly #clock: Clock
  readonly #warn: (message: string) => void
  #savedIndex: number
  #timer: Timer | null = null

  private constructor(low: Low<Snapshot | null>, products: Products, clock: Clock, warn: (message: string) => void) {
    this.#low = low
    this.#products = products
    this.#clock = clock
    this.#warn = warn
    this.#savedIndex = products.appliedIndex
  }

  /**
   * Restores the products from the file in `folder`, which must exist. A damaged file is set aside as
   * `catalog.json.corrupt` with a warning, and the products are left empty.
   */
  static async open(
    folder: string,
    products: Products,
    { clock, warn, disk = realDisk }: { clock: Clock; warn: (message: string) => void; disk?: Disk },
  ): Promise<SnapshotFile> {
    const path = join(folder, 'catalog.json')
    const low = new Low<Snapshot | null>(await DurableJSONFile.open(path, disk), null)
    if (!(await restore(low, products))) {
      await disk.rename(path, `${path}.corrupt`)
      warn(`${path} is damaged: set aside as ${path}.corrupt, the products are rebuilt from the log`)
    }
    return new SnapshotFile(low, products, clock, warn)
  }

  /** Saves every interval from now on. */
  start(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.start()
      void this.save()
    }, snapshotIntervalMs)
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer)
    this.#timer = null
  }

  /** Writes the state when it has changed. A full disk is only worth a warning; any other failure is thrown. */
  async save(): Promise<void> {
    if (this.#products.appliedIndex === this.#savedIndex) return
    const snapshot = this.#products.snapshot()
    this.#low.data = snapshot
    try {
      await this.#low.write()
      this.#savedIndex = snapshot.appliedIndex
    } catch (error) {
      if (!isDiskFull(error)) throw error
      this.#warn(`catalog.json at index ${snapshot.appliedIndex} is not saved, the disk is full`)
    } finally {
      this.#low.data = null
    }
  }
}

/** False when the file is damaged. */
async function restore(low: Low<Snapshot | null>, products: Products): Promise<boolean> {
  try {
    await low.read()
  } catch (error) {
    if (error instanceof CorruptFileError) return false
    throw error
  }
  const snapshot = low.data
  low.data = null
  return snapshot === null || products.restore(snapshot)
}

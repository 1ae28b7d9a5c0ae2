import { dirname } from 'node:path'
import type { DiskFile as SmallFile, Disk as SmallFileDisk } from '@bazaar/service'
import type { Disk as LogDisk, DiskFile as LogDiskFile } from '../../apps/order/src/raft-log/disk.ts'
import type { SimulatedFile } from './file.ts'
import { type FileSystem, systemError } from './file-system.ts'
import type { Life } from './life.ts'
import type { Random } from './random.ts'

/** What may be wrong with a process's disk. It outlives the process. */
export interface DiskHealth {
  /** No room: writes fail with ENOSPC. */
  full: boolean
  /** Syncs that fail with EIO from now on. */
  failingSyncs: number
  /** How many times slower than usual. */
  slowness: number
  /** Told when a sync failed. */
  onFailedSync: () => void
}

export interface DiskOptions {
  readonly files: FileSystem
  readonly life: Life
  readonly health: DiskHealth
  readonly random: Random
}

/** Milliseconds that a sync takes, and any other call that waits. */
const syncMs = [0.2, 1] as const
const callMs = [0.01, 0.1] as const

/** Both ports that the processes have to their disk, over one file system. A dead process's calls do nothing. */
export class SimulatedDisk {
  readonly #options: DiskOptions
  /** Half of the processes find their disk so quick that the log is synced in place, while it is not slow. */
  readonly #isQuick: boolean

  constructor(options: DiskOptions) {
    this.#options = options
    this.#isQuick = options.random.chance(0.5)
  }

  get forLog(): LogDisk {
    const { files } = this.#options
    return {
      open: async path => {
        const file = await this.#call(() => files.openOrCreate(path))
        await this.#syncFolder(dirname(path))
        return this.#logFile(path, file)
      },
      exists: path => this.#call(() => files.find(path) !== null),
      rename: async (from, to) => {
        await this.#call(() => files.rename(from, to))
        await this.#syncFolder(dirname(to))
      },
      room: () => this.#call(() => (this.#options.health.full ? 0 : Number.POSITIVE_INFINITY)),
    }
  }

  get forSmallFiles(): SmallFileDisk {
    const { files } = this.#options
    return {
      create: path =>
        this.#call(() => {
          this.#needRoom(path)
          return this.#smallFile(path, files.create(path))
        }),
      read: path => this.#call(() => files.existing(path).read(0, files.existing(path).size).toString('utf8')),
      rename: (from, to) => this.#call(() => files.rename(from, to)),
      unlink: path => this.#call(() => files.unlink(path)),
      syncFolder: path => this.#syncFolder(path),
    }
  }

  #logFile(path: string, file: SimulatedFile): LogDiskFile {
    const { files, health, life } = this.#options
    let lastRead: Buffer = Buffer.alloc(0)
    // What was read is good until the next call; who uses it longer finds nonsense, as it may on a real disk.
    const read = (offset: number, length: number): Buffer => {
      const bytes = file.read(offset, length)
      lastRead.fill('?')
      lastRead = bytes
      return bytes
    }
    return {
      get size() {
        return file.size
      },
      append: bytes => {
        if (!life.calls()) return
        this.#needRoom(path)
        files.beforeWrite()
        file.append(bytes)
      },
      // Needs no room: the blocks are there.
      write: (offset, bytes) => {
        if (!life.calls()) return
        files.beforeWrite()
        file.write(bytes, offset)
      },
      read,
      sync: () => (this.#isQuick && health.slowness === 1 ? this.#syncInPlace(path, file) : this.#sync(path, file)),
      syncInThread: () => this.#sync(path, file),
      truncate: size => {
        if (!life.calls()) return
        files.beforeWrite()
        file.truncate(size)
      },
      rewrite: offset => {
        if (!life.calls()) return
        files.beforeWrite()
        file.rewrite(offset)
      },
      close: () => {},
    }
  }

  #smallFile(path: string, file: SimulatedFile): SmallFile {
    return {
      write: text =>
        this.#call(() => {
          this.#needRoom(path)
          file.append(Buffer.from(text, 'utf8'))
        }),
      sync: () => this.#sync(path, file),
      close: async () => {},
    }
  }

  #syncInPlace(path: string, file: SimulatedFile): null {
    if (this.#options.life.calls()) this.#endSync(path, file, file.startSync())
    return null
  }

  #sync(path: string, file: SimulatedFile): Promise<void> {
    const { life } = this.#options
    if (!life.calls()) return new Promise(() => {})
    const done = file.startSync()
    return life.promise(this.#delay(syncMs), () => this.#endSync(path, file, done))
  }

  #endSync(path: string, file: SimulatedFile, done: () => void): void {
    const { files, health } = this.#options
    if (health.failingSyncs > 0) {
      file.failSync()
      this.#failSync(path)
    }
    files.beforeWrite()
    done()
  }

  #syncFolder(folder: string): Promise<void> {
    const { files, health, life } = this.#options
    if (!life.calls()) return new Promise(() => {})
    const done = files.startSyncFolder(folder)
    return life.promise(this.#delay(syncMs), () => {
      if (health.failingSyncs > 0) this.#failSync(folder)
      files.beforeWrite()
      done()
    })
  }

  #failSync(path: string): never {
    const { health } = this.#options
    health.failingSyncs--
    health.onFailedSync()
    throw systemError('EIO', `sync of ${path}`)
  }

  #call<T>(run: () => T): Promise<T> {
    const { files, life } = this.#options
    return life.promise(this.#delay(callMs), () => {
      // A process that dies of the call does not see it through.
      if (!life.calls()) return new Promise<T>(() => {})
      files.beforeWrite()
      return run()
    }) as Promise<T>
  }

  #needRoom(path: string): void {
    if (this.#options.health.full) throw systemError('ENOSPC', `write to ${path}`)
  }

  #delay([low, high]: readonly [number, number]): number {
    const { health, random } = this.#options
    return random.between(low, high) * health.slowness
  }
}

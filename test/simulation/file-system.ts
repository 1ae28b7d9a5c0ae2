import { dirname } from 'node:path'
import { SimulatedFile, type Survival } from './file.ts'

/** A change of a folder that a power cut may undo, together with all later ones of that folder. */
interface NameChange {
  readonly folder: string
  readonly apply: (names: Map<string, SimulatedFile>) => void
}

/** What a power cut leaves: of the files, and how many of a folder's `pending` last changes of names. */
export interface CrashSurvival extends Survival {
  names(pending: number): number
}

/**
 * The files of one machine's folders by path. New names, renames and removals are seen at once but are on disk only
 * after `syncFolder`; a power cut keeps them in the order in which they were made, up to some point, as a journal does.
 */
export class FileSystem {
  #names = new Map<string, SimulatedFile>()
  #namesOnDisk = new Map<string, SimulatedFile>()
  #pending: NameChange[] = []

  find(path: string): SimulatedFile | null {
    return this.#names.get(path) ?? null
  }

  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  /** The file, created if it is not there. */
  openOrCreate(path: string): SimulatedFile {
    return this.#names.get(path) ?? this.create(path)
  }

  /** A new empty file, in place of any other. */
  create(path: string): SimulatedFile {
    const file = new SimulatedFile()
    this.#change({ folder: dirname(path), apply: names => names.set(path, file) })
    return file
  }

  /** @throws Error with code ENOENT */
  rename(from: string, to: string): void {
    const file = this.existing(from)
    this.#change({
      folder: dirname(to),
      apply: names => {
        names.delete(from)
        names.set(to, file)
      },
    })
  }

  /** @throws Error with code ENOENT */
  unlink(path: string): void {
    this.existing(path)
    this.#change({ folder: dirname(path), apply: names => names.delete(path) })
  }

  /** @throws Error with code ENOENT */
  existing(path: string): SimulatedFile {
    const file = this.#names.get(path)
    if (file === undefined) throw systemError('ENOENT', `no such file: ${path}`)
    return file
  }

  /** Takes the folder's changes so far; calling the result puts them on disk. */
  startSyncFolder(folder: string): () => void {
    const taken = new Set(this.#pending.filter(change => change.folder === folder))
    return () => {
      for (const change of this.#pending) if (taken.has(change)) change.apply(this.#namesOnDisk)
      this.#pending = this.#pending.filter(change => !taken.has(change))
    }
  }

  /** Somebody removes the folder with all that is in it, for good. */
  removeFolder(folder: string): void {
    this.#pending = this.#pending.filter(change => change.folder !== folder)
    for (const names of [this.#names, this.#namesOnDisk]) {
      for (const path of [...names.keys()]) if (dirname(path) === folder) names.delete(path)
    }
  }

  /** A power cut: what is in the folder and not on disk survives as `survival` has it. */
  lose(folder: string, survival: CrashSurvival): void {
    const pending = this.#pending.filter(change => change.folder === folder)
    for (const change of pending.slice(0, survival.names(pending.length))) change.apply(this.#namesOnDisk)
    this.#pending = this.#pending.filter(change => change.folder !== folder)
    for (const path of [...this.#names.keys()]) if (dirname(path) === folder) this.#names.delete(path)
    for (const [path, file] of this.#namesOnDisk) {
      if (dirname(path) !== folder) continue
      file.lose(survival)
      this.#names.set(path, file)
    }
  }

  #change(change: NameChange): void {
    change.apply(this.#names)
    this.#pending.push(change)
  }
}

export function systemError(code: 'ENOENT' | 'EIO' | 'ENOSPC', message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}

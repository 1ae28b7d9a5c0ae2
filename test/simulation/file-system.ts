import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { SimulatedFile, type Survival } from './file.ts'

/** A change of a folder that a power cut may undo, together with all later ones of that folder. */
interface NameChange {
  readonly folder: string
  /** The name that goes, if any; then the name that comes with its file, if any. */
  readonly removed: string | null
  readonly added: { readonly path: string; readonly file: SimulatedFile } | null
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
  readonly #names = new Map<string, SimulatedFile>()
  readonly #namesOnDisk = new Map<string, SimulatedFile>()
  #pending: NameChange[] = []
  /** Called before anything is changed or put on disk. */
  beforeWrite: () => void = () => {}

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
    this.#change({ folder: dirname(path), removed: null, added: { path, file } })
    return file
  }

  /** @throws Error with code ENOENT */
  rename(from: string, to: string): void {
    const file = this.existing(from)
    this.#change({ folder: dirname(to), removed: from, added: { path: to, file } })
  }

  /** @throws Error with code ENOENT */
  unlink(path: string): void {
    this.existing(path)
    this.#change({ folder: dirname(path), removed: path, added: null })
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
      for (const change of this.#pending) if (taken.has(change)) apply(change, this.#namesOnDisk)
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
    for (const change of pending.slice(0, survival.names(pending.length))) apply(change, this.#namesOnDisk)
    this.#pending = this.#pending.filter(change => change.folder !== folder)
    for (const path of [...this.#names.keys()]) if (dirname(path) === folder) this.#names.delete(path)
    for (const [path, file] of this.#namesOnDisk) {
      if (dirname(path) !== folder) continue
      file.lose(survival)
      this.#names.set(path, file)
    }
  }

  /** How much of a folder a power cut may lose: dirty pages, of the file that has the most, and changes of names. */
  atStake(folder: string): { pages: number; names: number } {
    const pages = [...this.#names].map(([path, file]) => (dirname(path) === folder ? file.dirtyPages : 0))
    return { pages: Math.max(0, ...pages), names: this.#pending.filter(change => change.folder === folder).length }
  }

  /** A fingerprint of all names and contents, as processes see them. */
  get digest(): string {
    const hash = createHash('sha1')
    for (const path of this.paths()) {
      const file = this.existing(path)
      hash.update(`${path} ${file.size}\n`).update(file.read(0, file.size))
    }
    return hash.digest('hex')
  }

  /** An independent copy of everything, in the cache and on disk. */
  clone(): FileSystem {
    const copies = new Map<SimulatedFile, SimulatedFile>()
    const copyOf = (file: SimulatedFile): SimulatedFile => {
      const copy = copies.get(file) ?? new SimulatedFile(file)
      copies.set(file, copy)
      return copy
    }
    const clone = new FileSystem()
    for (const [path, file] of this.#names) clone.#names.set(path, copyOf(file))
    for (const [path, file] of this.#namesOnDisk) clone.#namesOnDisk.set(path, copyOf(file))
    clone.#pending = this.#pending.map(({ added, ...rest }) => {
      return { ...rest, added: added && { path: added.path, file: copyOf(added.file) } }
    })
    return clone
  }

  #change(change: NameChange): void {
    apply(change, this.#names)
    this.#pending.push(change)
  }
}

function apply({ removed, added }: NameChange, names: Map<string, SimulatedFile>): void {
  if (removed !== null) names.delete(removed)
  if (added !== null) names.set(added.path, added.file)
}

export function systemError(code: 'ENOENT' | 'EIO' | 'ENOSPC', message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}

import { open, readFile, rename, unlink } from 'node:fs/promises'

/** A file being written. */
export interface DiskFile {
  /** Resolves once all bytes are handed to the system, which is not yet on disk. */
  write(text: string): Promise<void>
  /** Resolves once everything written is on disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The few calls of a file system that a small durable file needs, so that a simulated disk can stand in for a real one.
 * Errors carry the system's `code` (ENOENT, ENOSPC, EIO …).
 */
export interface Disk {
  /** Creates the file, or empties it. */
  create(path: string): Promise<DiskFile>
  /** The whole file as UTF-8 text. */
  read(path: string): Promise<string>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Resolves once the folder's entries (new names, renames) are on disk. */
  syncFolder(path: string): Promise<void>
}

/** The machine's own file system. New files are their user's alone (mode 0600). */
export const realDisk: Disk = {
  async create(path) {
    const file = await open(path, 'w', 0o600)
    return {
      write: text => file.writeFile(text),
      sync: () => file.sync(),
      close: () => file.close(),
    }
  },
  read: path => readFile(path, 'utf8').catch(error => failNamed(error, path)),
  rename,
  unlink,
  syncFolder,
}

/** The system says which file cannot be opened, but not which one, once open, cannot be read. */
function failNamed(error: NodeJS.ErrnoException, path: string): never {
  if (error.path !== undefined) throw error
  throw Object.assign(new Error(`${error.message} ${path}`, { cause: error }), { code: error.code })
}

/** Resolves once the folder's entries (new names, renames) are on disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

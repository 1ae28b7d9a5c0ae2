import type { DiskFile } from '../src/raft-log/disk.ts'

/** The file, with some of its calls replaced, for faults. */
export function faultyFile(real: DiskFile, faults: Partial<Omit<DiskFile, 'size'>>): DiskFile {
  return {
    get size() {
      return real.size
    },
    append: bytes => real.append(bytes),
    write: (offset, bytes) => real.write(offset, bytes),
    read: (offset, length) => real.read(offset, length),
    sync: () => real.sync(),
    syncInThread: () => real.syncInThread(),
    truncate: size => real.truncate(size),
    rewrite: offset => real.rewrite(offset),
    close: () => real.close(),
    ...faults,
  }
}

/** What a call to a full disk throws. */
export function diskFull(code = 'ENOSPC'): Error {
  return Object.assign(new Error('no space left on device'), { code })
}

/** A call to `append` that finds the disk full while `isFull` says so. */
export function appendUnlessFull(real: DiskFile, isFull: () => boolean, code?: string): DiskFile['append'] {
  return bytes => {
    if (isFull()) throw diskFull(code)
    real.append(bytes)
  }
}

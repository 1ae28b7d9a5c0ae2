import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** A log is at most twice this long: the file and the one it replaced. */
export const logBytesMax = 4 * 1024 * 1024
const lastLineLengthMax = 500

/**
 * What a process printed, appended to a file. A file that is full becomes `<path>.1`, replacing an older one.
 * Logging never stops the shop: when the disk is full, lines are dropped.
 */
export class LogFile {
  readonly path: string
  /** The last line written that was not empty, shortened; for messages about a process that died. */
  lastLine = ''
  #descriptor: number | null
  #bytes: number

  /** Opens or creates the file. Throws the error of the file system. */
  constructor(path: string) {
    this.path = path
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#descriptor).size
  }

  /** Appends. What comes after `close` is dropped. */
  write(chunk: Buffer): void {
    this.#rememberLastLine(chunk)
    if (this.#descriptor === null) return
    try {
      if (this.#bytes > 0 && this.#bytes + chunk.length > logBytesMax) this.#rotate(this.#descriptor)
      this.#bytes += writeSync(this.#descriptor, chunk)
    } catch {
      // A full disk must not take the supervisor down with it.
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }

  #rotate(full: number): void {
    renameSync(this.path, `${this.path}.1`)
    this.#descriptor = openSync(this.path, 'a', 0o600)
    closeSync(full)
    this.#bytes = 0
  }

  #rememberLastLine(chunk: Buffer): void {
    const line = chunk.toString().trimEnd().split('\n').at(-1)?.trim() ?? ''
    if (line !== '') this.lastLine = line.slice(0, lastLineLengthMax)
  }
}

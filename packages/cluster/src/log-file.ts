import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** A log is at most twice this long: the file and the one it replaced. */
export const logBytesMax = 4 * 1024 * 1024
const lastWordsLengthMax = 500
/** What Node prints when it crashes names the error before the stack and closes with its own version. */
const errorLine = /^(?:Uncaught )?\w*Error\b/
const endOfCrashReport = /^(?:Node\.js v\d|[{}\]]|at )/
/** The levels of the services' own log, which is JSON, from which on a line says what is wrong (pino: warn, error, fatal). */
const tellingLevel = 40
const logLineStart = '{"level":'
/** A longer line is not waited for. */
const lineLengthMax = 1 << 16

/**
 * What a process printed, appended to a file. A file that is full becomes `<path>.1`, replacing an older one.
 * Logging never stops the shop: when the disk is full, lines are dropped.
 */
export class LogFile {
  readonly path: string
  /** Why the process died, as far as it said: its last error, or else the last line that it wrote; shortened. */
  lastWords = ''
  #descriptor: number | null
  #bytes: number
  /** The beginning of a line of a service's own log whose end has not come yet. */
  #unfinished = ''

  /** Opens or creates the file. Throws the error of the file system. */
  constructor(path: string) {
    this.path = path
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#descriptor).size
  }

  /** Appends. What comes after `close` is dropped. */
  write(chunk: Buffer): void {
    this.#rememberWhy(chunk)
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

  /** A new process begins, which has its own reasons. */
  forgetLastWords(): void {
    this.lastWords = ''
    this.#unfinished = ''
  }

  #rotate(full: number): void {
    // It is not there where somebody has removed it, or the last time there was no room for a new one.
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`)
    this.#descriptor = openSync(this.path, 'a', 0o600)
    closeSync(full)
    this.#bytes = 0
  }

  #rememberWhy(chunk: Buffer): void {
    const lines = (this.#unfinished + chunk).split('\n')
    const last = lines.at(-1) as string
    this.#unfinished = last.startsWith(logLineStart) && last.length < lineLengthMax ? last : ''
    if (this.#unfinished !== '') lines.pop()
    const said = lines.map(line => logged(line.trim())).filter(line => line !== '' && !endOfCrashReport.test(line))
    const why = said.findLast(line => errorLine.test(line)) ?? said.at(-1)
    if (why !== undefined) this.lastWords = why.slice(0, lastWordsLengthMax)
  }
}

/** What a line of a service's own log says of an error, and nothing if it is of none; any other line as it is. */
function logged(line: string): string {
  if (!line.startsWith(logLineStart)) return line
  try {
    const { level, msg, err } = JSON.parse(line)
    if (level < tellingLevel) return ''
    return err === undefined ? (String(msg).split('\n', 1)[0] as string) : `${err.type}: ${err.message}`
  } catch {
    return ''
  }
}

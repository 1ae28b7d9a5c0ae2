/** What became of one test file. */
export interface FileResult {
  file: string
  passed: number
  failed: number
  /** Names of what was skipped, with the reason if there is one. */
  skipped: string[]
  /** What failed, each with what the test said about it. */
  failures: { name: string; details: string[] }[]
  ms: number
}

const subtestLine = /^((?: {4})*)# Subtest: (.*)$/
const resultLine = /^((?: {4})*)(ok|not ok) \d+(?: - (.*?))?(?: # (SKIP|TODO)\b *(.*?))?(?: # time=([\d.]+)ms)?$/
/** Which file the time was up for; another one may be read just then. */
const expiredLine = /^expired: (.+)$/
/** One level of a TAP stream, as the patterns have it: a file's tests are one level deep, their assertions two or more. */
const indentWidth = 4
/** What tap says of a file that ended before its first test, and skips: a test that does not run is no success. */
const noTests = 'no tests found'

/**
 * Reads the TAP 14 that `tap` prints, line by line. Subtests are announced by `# Subtest: NAME` and closed by a result
 * of the same depth; every other result is an assertion, and those are what is counted. A subtest that fails although
 * none of its assertions did, such as a file that dies, counts as one failure. A file that was given up before it said
 * anything has no subtest: its name stands among the details of a failure of the run itself.
 */
export class TapReader {
  readonly #onFile: (result: FileResult) => void
  #open: (string | undefined)[] = []
  #result = emptyResult('')
  /** The failure whose details are being read, and how far its lines are indented. */
  #failing: { details: string[]; indent: number } | null = null
  /** The file's own result is read; its details may follow. */
  #isOver = false
  /** It came without a subtest. */
  #isNameless = false

  /** @param onFile Called when a file's result is complete. */
  constructor(onFile: (result: FileResult) => void) {
    this.#onFile = onFile
  }

  /** One line, without its newline. */
  push(line: string): void {
    if (this.#readDetail(line)) return
    this.end()
    const subtest = subtestLine.exec(line)
    if (subtest !== null) this.#begin(depthOf(subtest[1]), subtest[2] ?? '')
    const [, indent, verdict, name = '', directive, reason = '', ms = '0'] = resultLine.exec(line) ?? []
    if (verdict === undefined) return
    const depth = depthOf(indent)
    this.#isNameless = depth === 0 && this.#open[0] === undefined
    if (this.#isNameless) this.#begin(0, name)
    const closes = this.#open[depth] !== undefined
    this.#open.length = depth
    this.#count({ name, depth, closes, isOk: verdict === 'ok', directive, reason })
    if (depth > 0) return
    this.#result.ms = Number(ms)
    this.#isOver = true
  }

  /** The stream is over. */
  end(): void {
    if (!this.#isOver) return
    this.#isOver = false
    this.#onFile(this.#result)
  }

  #begin(depth: number, name: string): void {
    if (depth === 0) this.#result = emptyResult(name)
    this.#open.length = depth
    this.#open[depth] = name
  }

  #count(line: {
    name: string
    depth: number
    closes: boolean
    isOk: boolean
    directive?: string | undefined
    reason: string
  }): void {
    const { name, depth, closes, isOk, directive, reason } = line
    const result = this.#result
    if (depth === 0 && reason === noTests) {
      result.failed += 1
      result.failures.push({ name: noTests, details: [] })
    } else if (directive !== undefined) {
      result.skipped.push([this.#path(name), reason].filter(word => word !== '').join(': '))
    } else if (isOk) {
      if (!closes) result.passed += 1
    } else if (!closes || result.failed === 0) {
      result.failed += 1
      const failure = { name: this.#path(name), details: [] }
      result.failures.push(failure)
      this.#failing = { details: failure.details, indent: depth * indentWidth + 2 }
    }
  }

  /** The YAML block behind a result that is not ok. */
  #readDetail(line: string): boolean {
    if (this.#failing === null) return false
    const { details, indent } = this.#failing
    const isInside = line.startsWith(' '.repeat(indent)) || (line.trim() === '' && details.length > 0)
    const text = line.slice(indent)
    if (!isInside || text === '...') this.#failing = null
    else if (text !== '---') this.#keepDetail(details, text)
    return isInside
  }

  #keepDetail(details: string[], text: string): void {
    details.push(text)
    if (this.#isNameless) this.#result.file = expiredLine.exec(text)?.[1] ?? this.#result.file
  }

  #path(name: string): string {
    return [...this.#open.slice(1), name].filter(part => part !== undefined && part !== '').join(' › ')
  }
}

function emptyResult(file: string): FileResult {
  return { file, passed: 0, failed: 0, skipped: [], failures: [], ms: 0 }
}

function depthOf(indent: string | undefined): number {
  return (indent ?? '').length / indentWidth
}

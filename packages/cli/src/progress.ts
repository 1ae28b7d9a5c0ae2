import { isInterrupted } from './interruption.ts'
import { hasBars } from './terminal.ts'

/** Shows how far a long command is. */
export interface Progress {
  /** Begins a stage of `total` steps; a total of null is one whose length nobody knows. */
  stage(label: string, total: number | null): void
  /** Begins a stage that takes so many seconds, however many steps that are. */
  time(label: string, seconds: number): void
  step(): void
  /** Takes the bar away, so that something else can be written. */
  clear(): void
}

const barWidth = 28
/** A terminal redraws no more often than this, however fast the steps come. */
const redrawMs = 100

/** A progress bar on a terminal; nothing at all when the stream is not one, or one that knows no control sequences. */
export function progressOn(stream: NodeJS.WriteStream, terminal: string | undefined = process.env.TERM): Progress {
  return hasBars(stream, terminal)
    ? terminalProgress(
        text => stream.write(text),
        () => stream.columns,
      )
    : { stage() {}, time() {}, step() {}, clear() {} }
}

/** The bar itself, written with carriage returns on one line of a terminal that has so many columns. `now` is in ms. */
export function terminalProgress(
  write: (text: string) => void,
  columns: () => number,
  now: () => number = () => performance.now(),
): Progress {
  let label = ''
  let total: number | null = null
  let done = 0
  /** When the stage began, where time tells how far it is. */
  let startedAt: number | null = null
  let drawnAt = Number.NEGATIVE_INFINITY
  const draw = (): void => {
    // What is under way goes on until all is stopped, and nobody takes its bar away any more.
    if (isInterrupted()) return
    drawnAt = now()
    if (startedAt !== null) done = (now() - startedAt) / 1000
    // What wraps is not taken away by the next bar.
    write(`\r\x1b[2K${progressLine(label, done, total).slice(0, columns() - 1)}`)
  }
  const begin = (nextLabel: string, nextTotal: number | null): void => {
    label = nextLabel
    total = nextTotal
    done = 0
    draw()
  }
  return {
    stage(nextLabel, nextTotal) {
      startedAt = null
      begin(nextLabel, nextTotal)
    },
    time(nextLabel, seconds) {
      startedAt = now()
      begin(nextLabel, seconds)
    },
    step() {
      done += 1
      if (done === total || now() - drawnAt >= redrawMs) draw()
    },
    clear() {
      write('\r\x1b[2K')
    },
  }
}

/** One line: label, percentage and bar, which a narrow terminal cuts off, or the count alone when the total is unknown. */
export function progressLine(label: string, done: number, total: number | null): string {
  if (total === null) return `${label}  ${done > 0 ? done.toLocaleString('en-US') : ''}`.trimEnd()
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.round(share * barWidth)
  const bar = '━'.repeat(filled) + '─'.repeat(barWidth - filled)
  return `${label}  ${String(Math.floor(share * 100)).padStart(3)} % ${bar}`
}

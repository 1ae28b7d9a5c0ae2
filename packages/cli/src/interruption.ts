import { hasBars } from './terminal.ts'
import { exitStatus } from './usage-error.ts'

/**
 * Set by `bin/bazaar` where the command was started to outlive its terminal, by `nohup`. It is not handed on: nor is the
 * ignored signal.
 */
const outlivesTerminal = (process.env.BAZAAR_NOHUP ?? '') !== ''
delete process.env.BAZAAR_NOHUP
if (outlivesTerminal) process.on('SIGHUP', () => {})
/** Ctrl-C, a polite kill, and the end of the terminal. */
export const interruptions: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  ...(outlivesTerminal ? [] : (['SIGHUP'] as const)),
]

const ends = new Set<() => Promise<void>>()
let interrupted = false

/** Whether the command is being interrupted: what fails from then on does so because all is taken away from it. */
export function isInterrupted(): boolean {
  return interrupted
}

/**
 * When the command is interrupted, `end` is called before it exits with status 1, beside all others that were given;
 * returns how to take it back.
 */
export function whenInterrupted(end: () => Promise<void>): () => void {
  if (ends.size === 0) for (const signal of interruptions) process.on(signal, interrupt)
  ends.add(end)
  return () => {
    ends.delete(end)
    if (ends.size === 0 && !interrupted) for (const signal of interruptions) process.off(signal, interrupt)
  }
}

function interrupt(): void {
  // Whoever asks twice does not want to wait, and may find something left behind.
  if (interrupted) process.exit(exitStatus.failed)
  interrupted = true
  process.stderr.write(`${hasBars(process.stderr) ? '\r\x1b[2K' : ''}bazaar: interrupted\n`)
  void Promise.allSettled([...ends].map(end => end())).then(() => process.exit(exitStatus.failed))
}

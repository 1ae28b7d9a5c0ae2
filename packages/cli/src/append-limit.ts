import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Recorder } from './statistics.ts'

/** About the length of an order's line in the log. */
const lineBytes = 200

/** Appends lines to a file in the folder and waits for the disk after each, for a while; records each time in ms. */
export function measureAppends(folder: string, durationMs: number, recorder: Recorder): void {
  const path = join(folder, 'append-limit.tmp')
  const line = Buffer.alloc(lineBytes, 'x')
  const file = openSync(path, 'a')
  try {
    const endsAt = performance.now() + durationMs
    for (;;) {
      const startedAt = performance.now()
      if (startedAt >= endsAt) return
      writeSync(file, line)
      fdatasyncSync(file)
      recorder.record(performance.now() - startedAt)
    }
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

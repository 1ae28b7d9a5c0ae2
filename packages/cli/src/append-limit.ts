import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Recorder } from './statistics.ts'

/** About the length of an order's line in the log. */
const line = Buffer.alloc(200, 'x')
/** The length of a replica's ring, in lines. */
const ringLines = Math.floor((1024 * 1024) / line.length)

/** Appends lines to a file in the folder and waits for the disk after each, for a while; records each time in ms. */
export function measureAppends(folder: string, durationMs: number, recorder: Recorder): void {
  timeWrites(folder, durationMs, recorder, file => writeSync(file, line))
}

/** The same with lines over others, as those of orders stand in a ring: there a disk has less to do, for no file grows. */
export function measureOverwrites(folder: string, durationMs: number, recorder: Recorder): void {
  let written = 0
  const write = (file: number) => writeSync(file, line, 0, line.length, (written++ % ringLines) * line.length)
  timeWrites(folder, durationMs, recorder, write, ringLines * line.length)
}

function timeWrites(
  folder: string,
  durationMs: number,
  recorder: Recorder,
  write: (file: number) => void,
  bytesBefore = 0,
): void {
  const path = join(folder, 'append-limit.tmp')
  const file = openSync(path, 'w')
  try {
    writeSync(file, Buffer.alloc(bytesBefore, '\n'))
    fsyncSync(file)
    const endsAt = performance.now() + durationMs
    for (;;) {
      const startedAt = performance.now()
      if (startedAt >= endsAt) return
      write(file)
      fdatasyncSync(file)
      recorder.record(performance.now() - startedAt)
    }
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

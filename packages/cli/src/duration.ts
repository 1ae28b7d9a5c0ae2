import { UsageError } from './usage-error.ts'

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** Reads `500ms`, `10s`, `2m` or `1h`, or `off` as 0, in ms; else throws a `UsageError` that names option and value. */
export function durationOption(option: string, text: string, maxMs: number): number {
  if (text === 'off') return 0
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const ms = Math.round(Number(count) * unitsMs[unit as keyof typeof unitsMs])
  if (ms >= 1 && ms <= maxMs) return ms
  throw new UsageError(
    `--${option} must be off or a time like 500ms, 10s or 2m, at most ${maxMs / 1000}s, got ${JSON.stringify(text)}`,
  )
}

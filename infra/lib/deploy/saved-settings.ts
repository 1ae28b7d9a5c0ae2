import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ContextKey, contextKeys } from '../settings.ts'

type Context = Partial<Record<ContextKey, string>>

/** The CDK's own memory, beside its answers of AWS: what is here is in force for `cdk deploy`, `diff` and `destroy` too. */
const file = fileURLToPath(new URL('../../cdk.context.json', import.meta.url))
/** What runs is said anew each time. */
const forgotten: readonly ContextKey[] = ['commit']

/** The settings of the last deployment from this checkout. */
export function savedSettings(): Context {
  const all = readAll()
  const keys = Object.keys(contextKeys) as ContextKey[]
  return Object.fromEntries(keys.flatMap(key => (typeof all[key] === 'string' ? [[key, all[key]]] : [])))
}

export function saveSettings(context: Context): void {
  const kept = Object.entries(context).filter(([key]) => !forgotten.includes(key as ContextKey))
  if (kept.length === 0) return
  write({ ...readAll(), ...Object.fromEntries(kept) })
}

/** The volume that a deployment took over is there no longer. */
export function forgetDataVolume(): void {
  const { dataVolume, zone, ...rest } = readAll()
  if (dataVolume !== undefined || zone !== undefined) write(rest)
}

function write(all: Record<string, unknown>): void {
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
}

function readAll(): Record<string, unknown> {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {}
}

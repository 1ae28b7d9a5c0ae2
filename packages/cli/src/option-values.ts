import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from './usage-error.ts'

/** Returns what was given; nothing, as of a shell's variable that is not set, is a `UsageError`. */
export function notEmpty(option: string, rule: string, text: string): string {
  if (text !== '') return text
  throw new UsageError(`--${option} must be ${rule}, got ""`)
}

/** Reads an integer option within its bounds, else throws a `UsageError` that names option, bounds and value. */
export function integerOption(option: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`--${option} must be an integer ${min}..${max}, got ${JSON.stringify(text)}`)
}

/** Reads a decimal option within its bounds, else throws a `UsageError`. */
export function numberOption(option: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(value) && value >= min && value <= max) return value
  throw new UsageError(`--${option} must be a number ${min}..${max}, got ${JSON.stringify(text)}`)
}

/** Reads a comma-separated list, each item by `read`; at least one item and at most `itemsMax`. */
export function listOption<Item>(option: string, text: string, itemsMax: number, read: (item: string) => Item): Item[] {
  const items = text.split(',').map(item => item.trim())
  if (items.length > itemsMax) throw new UsageError(`--${option} takes at most ${itemsMax} values, got ${items.length}`)
  return items.map(read)
}

/** Reads one of a few words, else throws a `UsageError` that lists them. */
export function choiceOption<Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find(choice => choice === text)
  if (found !== undefined) return found
  throw new UsageError(`--${option} must be one of ${choices.join(', ')}, got ${JSON.stringify(text)}`)
}

/** Throws a `UsageError` where an option is given beside one of those that mean nothing to it. */
export function refuseMeaningless<Option extends string>(
  option: NoInfer<Option>,
  others: readonly NoInfer<Option>[],
  given: Readonly<Partial<Record<Option, string | boolean | undefined>>>,
): void {
  const isGiven = (name: Option) => given[name] !== undefined && given[name] !== false
  const other = others.find(isGiven)
  if (isGiven(option) && other !== undefined) throw new UsageError(`--${option} goes without --${other}`)
}

/**
 * The name of a file that can be written, or `-`, or null where none is given; else throws a `UsageError`: before a
 * measurement, not after it. It only asks: whoever reads a pipe would take an attempt for the end.
 */
export function outputOption(option: string, file: string | undefined): string | null {
  if (file === undefined) return null
  if (file === '-') return file
  try {
    if (file === '') throw new Error('it has no name')
    const found = statSync(file, { throwIfNoEntry: false })
    if (found?.isDirectory() === true) throw new Error(`EISDIR: ${JSON.stringify(file)} is a folder`)
    if (found === undefined && file.endsWith('/')) throw new Error(`ENOENT: there is no folder ${JSON.stringify(file)}`)
    accessSync(found === undefined ? `${dirname(file)}/` : file, constants.W_OK)
    return file
  } catch (error) {
    throw new UsageError(`--${option} cannot be written: ${(error as Error).message}`)
  }
}

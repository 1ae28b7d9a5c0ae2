import { parseArgs } from 'node:util'
import { type ContextKey, contextKeys } from '../settings.ts'
import { UsageError } from './errors.ts'

/** What the command line said. */
export interface Options {
  /** The sub-command; `deploy` when there is none. */
  command: CommandName
  /** Words after it. */
  words: string[]
  /** Settings of the stack, as the context has them. */
  context: Partial<Record<ContextKey, string>>
  /** Do not ask. */
  yes: boolean
  withData: boolean
  lines: number
  help: boolean
}

const commandNames = ['deploy', 'status', 'logs', 'update', 'destroy', 'bench'] as const
type CommandName = (typeof commandNames)[number]

const linesDefault = '60'
const linesMax = 10_000

/** `instanceType` as an option: `instance-type`. */
export function optionOf(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** Reads the words after `bazaar deploy`. Throws a `UsageError` that names the word and what it could be. */
export function readOptions(args: readonly string[]): Options {
  const [first = 'deploy', ...others] = args
  const isNamed = !first.startsWith('-')
  const command = (isNamed ? first : 'deploy') as CommandName
  if (!commandNames.includes(command)) {
    throw new UsageError(`no command "deploy ${first}": it is one of ${commandNames.slice(1).join(', ')}`)
  }
  const rest = isNamed ? others : [...args]
  // What follows `bench` is for `bazaar bench`. Only help is told here: it must need neither a machine nor the tools.
  const own = command === 'bench' ? rest.filter(word => word === '--help' || word === '-h') : rest
  const keys = Object.keys(contextKeys) as ContextKey[]
  const { values, positionals } = parse(own, keys)
  const wordsMax = command === 'update' ? 1 : 0
  const unexpected = positionals[wordsMax]
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(unexpected)}`)
  const given = keys.flatMap(key => {
    const value = values[optionOf(key)]
    return typeof value === 'string' ? [[key, value]] : []
  })
  return {
    command,
    words: command === 'bench' ? rest : positionals,
    context: Object.fromEntries(given),
    yes: values.yes === true,
    withData: values['with-data'] === true,
    lines: lineCount(String(values.lines ?? linesDefault)),
    help: values.help === true,
  }
}

function parse(args: string[], keys: readonly ContextKey[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  const options = {
    ...Object.fromEntries(keys.map(key => [optionOf(key), text])),
    ...{ yes: flag, 'with-data': flag, lines: text, help: { ...flag, short: 'h' } },
  }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    return { values: values as Record<string, unknown>, positionals }
  } catch (error) {
    const [reason] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(
      `${reason}; it takes ${Object.keys(options)
        .map(name => `--${name}`)
        .join(', ')}`,
    )
  }
}

function lineCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= linesMax) return count
  throw new UsageError(`--lines must be 1..${linesMax}, got ${JSON.stringify(text)}`)
}

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { ArgsDef, CommandDef } from 'citty'
import { argumentsOf } from './help.ts'
import { UsageError } from './usage-error.ts'

/**
 * citty takes any option and any number of words; a mistyped `--replica 5` must not start three. Throws a `UsageError`
 * for an option or word that the command does not know, an option without its value or given twice, and a word that is
 * missing.
 */
export async function checkArguments(command: CommandDef, rawArgs: readonly string[]): Promise<void> {
  const definitions = await argumentsOf(command)
  const words = Object.entries(definitions).filter(([, definition]) => definition.type === 'positional')
  const { positionals, tokens } = parse(optionsOf(definitions), rawArgs)
  const given = tokens.flatMap(token => (token.kind === 'option' ? token.name : []))
  const twice = given.find((name, at) => given.indexOf(name) !== at)
  if (twice !== undefined) throw new UsageError(`--${twice} is given twice`)
  const unexpected = positionals[words.length]
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(unexpected)}`)
  const missing = words.slice(positionals.length).find(([, definition]) => definition.required !== false)
  if (missing !== undefined) throw new UsageError(`${missing[0].toUpperCase()} is missing: ${missing[1].description}`)
}

function optionsOf(definitions: ArgsDef): ParseArgsOptionsConfig {
  const options = Object.entries(definitions).filter(([, definition]) => definition.type !== 'positional')
  return Object.fromEntries(
    options.map(([name, { type }]) => [name, { type: type === 'boolean' ? 'boolean' : 'string' }]),
  )
}

function parse(options: ParseArgsOptionsConfig, rawArgs: readonly string[]) {
  try {
    return parseArgs({ args: [...rawArgs], options, allowPositionals: true, allowNegative: true, tokens: true })
  } catch (error) {
    const known = Object.keys(options).map(name => `--${name}`)
    const dashed = /^Option '(\S+)' argument is ambiguous/.exec((error as Error).message)?.[1]
    if (dashed !== undefined)
      throw new UsageError(`${dashed} takes a value; one that begins with - is written ${dashed}=VALUE`)
    // Node's message goes on to explain `--`, which is of no use here.
    const [reason] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(`${reason}; it takes ${known.length === 0 ? 'no options' : known.join(', ')}`)
  }
}

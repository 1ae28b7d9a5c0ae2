import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from 'citty'

/** A command's help: what it does, how it is called, and a line for each word and option with its default. */
export async function helpOf(command: CommandDef): Promise<string> {
  const meta = ((typeof command.meta === 'function' ? await command.meta() : await command.meta) ?? {}) as CommandMeta
  const definitions = Object.entries(await argumentsOf(command))
  const isWord = ([, { type }]: [string, ArgDef]) => type === 'positional'
  const words = definitions.filter(isWord)
  const options = definitions.filter(definition => !isWord(definition))
  const call = [
    'bazaar',
    meta.name,
    ...words.map(([name]) => name.toUpperCase()),
    options.length === 0 ? '' : '[OPTIONS]',
  ]
  const lines = [
    ...words.map(([name, definition]) => [name.toUpperCase(), about(definition)]),
    ...options.map(optionLine),
  ]
  const width = Math.max(0, ...lines.map(([left]) => (left ?? '').length))
  const table = lines.map(([left, right]) => `  ${(left ?? '').padEnd(width)}  ${right}`)
  return [meta.description, '', `Usage: ${call.join(' ').trimEnd()}`, '', ...table].join('\n').trimEnd()
}

/** The words and options that a command takes. */
export async function argumentsOf(command: CommandDef): Promise<ArgsDef> {
  return (typeof command.args === 'function' ? await command.args() : await command.args) ?? {}
}

function optionLine([name, definition]: [string, ArgDef]): [string, string] {
  const { type, valueHint } = definition
  return [type === 'boolean' ? `--${name}` : `--${name} ${valueHint ?? name.toUpperCase()}`, about(definition)]
}

function about({ description = '', default: value }: ArgDef): string {
  return value === undefined || value === false ? description : `${description} (${value})`
}

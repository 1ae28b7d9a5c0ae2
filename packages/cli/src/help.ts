import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from 'citty'

/** A terminal has so many at least; what is longer breaks there, in the middle of a word. */
const columns = 80

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
  const indent = ' '.repeat(width + 4)
  const table = lines.map(([left, right]) => {
    return `  ${(left ?? '').padEnd(width)}  ${wrap(right ?? '', columns - indent.length).join(`\n${indent}`)}`
  })
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

/** A text in lines of so many characters, broken between words. */
function wrap(text: string, length: number): string[] {
  const [first = '', ...words] = text.split(' ')
  const lines = [first]
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`
    if (longer.length > length) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

import { contextKeys } from '../settings.ts'
import { optionOf } from './options.ts'

const rows = (entries: readonly (readonly [string, string])[]): string =>
  entries.map(([left, right]) => `  ${left.padEnd(26)}${right}`).join('\n')

export const helpText = `Puts the shop on a machine in AWS, and looks after it.

Usage: bazaar deploy [COMMAND] [OPTIONS]

${rows([
  ['(none)', 'check, deploy this checkout, order something there'],
  ['update [COMMIT]', 'another commit on the same machine; all orders stay'],
  ['status', 'the machine, its volume and its processes'],
  ['logs', 'what the machine wrote on its console'],
  ['bench …', 'the experiment, from here; options of bazaar bench'],
  ['destroy', 'take everything down but the volume with the orders'],
])}

${rows([
  ...Object.entries(contextKeys).map(([key, about]) => [`--${optionOf(key)} VALUE`, about] as const),
  ['--lines N', 'logs: how many of the last lines (60)'],
  ['--with-data', 'destroy: the volume with the orders as well'],
  ['--yes', 'do not ask'],
])}

Settings are kept in infra/cdk.context.json, where cdk deploy, diff and destroy
find them too.`

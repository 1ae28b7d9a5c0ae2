import { replicasMax } from '@bazaar/client/contract'
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { checkOf } from './check.ts'
import type { Rule } from './violation.ts'

/** A mistake of whoever started the process: the message is for them, and the exit status is 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** What every process is told by its environment; spread it into a `Type.Object`. */
export const commonEnvironment = {
  /** The process's name, e.g. `order-1`. */
  BAZAAR_NAME: Type.String({ pattern: '^[a-z]+-[1-9][0-9]?$', description: 'a name such as order-1' }),
  /** The data folder. */
  BAZAAR_DATA: Type.String({ pattern: '^/', description: 'an absolute path' }),
  /** How many order replicas there are. */
  BAZAAR_REPLICAS: Type.Integer({ minimum: 1, maximum: replicasMax, default: 3 }),
  /** 1: stop when standard input closes. */
  BAZAAR_SUPERVISED: Type.Integer({ minimum: 0, maximum: 1, default: 0 }),
}

/**
 * Reads the variables that the schema names, once: text, or numbers in plain decimal notation. An empty variable counts
 * as absent. Defaults are filled in and the result is frozen.
 *
 * @throws ConfigError that names variable, rule and value
 */
export function readConfig<T extends TProperties>(
  schema: TObject<T>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Static<TObject<T>>> {
  const values: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(schema.properties as Record<string, Rule>)) {
    const text = environment[name]
    if (text !== undefined && text !== '') values[name] = isNumber(rule, text) ? Number(text) : text
  }
  try {
    return Object.freeze(checkOf(schema, 'the environment')(values))
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
}

function isNumber(rule: Rule, text: string): boolean {
  return (rule.type === 'integer' || rule.type === 'number') && /^-?[0-9]+(\.[0-9]+)?$/.test(text)
}

/**
 * Runs a process's main function. When it rejects, the process ends: with status 2 and one line on standard error for a
 * `ConfigError`, with status 1 and the stack for anything else.
 */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const mistaken = error instanceof ConfigError
    console.error(mistaken ? error.message : error)
    process.exit(mistaken ? 2 : 1)
  }
}

import { basename } from 'node:path'
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { describeRule, type Rule, show } from './violation.ts'

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
  BAZAAR_REPLICAS: Type.Integer({ minimum: 1, maximum: 9, default: 3 }),
  /** 1: stop when standard input closes. */
  BAZAAR_SUPERVISED: Type.Integer({ minimum: 0, maximum: 1, default: 0 }),
}

/**
 * Reads the variables that the schema names, once: text, or numbers in plain decimal notation; the result is frozen.
 * An empty variable counts as absent; an absent one takes its `default`, is left out when optional, and is an error
 * otherwise. Throws a `ConfigError` that names variable, rule and value.
 */
export function readConfig<T extends TProperties>(
  schema: TObject<T>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Static<TObject<T>>> {
  const config: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(schema.properties as Record<string, Rule & { default?: unknown }>)) {
    const text = environment[name]
    if (text !== undefined && text !== '') config[name] = parse(name, rule, text)
    else if (rule.default !== undefined) config[name] = rule.default
    else if ((schema.required as readonly string[] | undefined)?.includes(name)) {
      throw new ConfigError(`${name} is missing: it must be ${describeRule(rule)}`)
    }
  }
  return Object.freeze(config) as Static<TObject<T>>
}

function parse(name: string, rule: Rule, text: string): string | number {
  const numeric = rule.type === 'integer' || rule.type === 'number'
  const value = numeric && /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : text
  if (!obeys(rule, value)) throw new ConfigError(`${name} must be ${describeRule(rule, value)}, got ${show(text)}`)
  return value
}

function obeys(rule: Rule, value: string | number): boolean {
  if (typeof value === 'string') return rule.type === 'string' && new RegExp(rule.pattern ?? '', 'u').test(value)
  const { minimum = -Infinity, maximum = Infinity } = rule
  return value >= minimum && value <= maximum && (rule.type === 'number' || Number.isInteger(value))
}

/**
 * Runs a process's main function. When it rejects, the process ends: with status 2 and one line on standard error for a
 * `ConfigError`, with status 1 and the stack for anything else.
 */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const known = error instanceof ConfigError
    console.error(known ? `${process.env.BAZAAR_NAME ?? basename(process.argv[1] ?? '')}: ${error.message}` : error)
    process.exit(known ? 2 : 1)
  }
}

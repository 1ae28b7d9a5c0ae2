import { Ajv, type ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { explainViolation, type Violation } from './violation.ts'

/** The rules of the house: no text for numbers, no unknown field silently dropped, defaults filled in. */
export const ajvOptions = { coerceTypes: false, removeAdditional: false, useDefaults: true, verbose: true } as const

/**
 * Checks a value that did not come in a request (a file, the environment) by the same rules as one that did, fills in
 * defaults, and returns it. `place` names the whole value where a message is about the whole.
 *
 * @throws Error with a message that names field, rule and value
 */
export function check<T extends TSchema>(schema: T, value: unknown, place: string): Static<T> {
  const validate: ValidateFunction = new Ajv({ ...ajvOptions, strict: false }).compile(schema)
  if (!validate(value)) throw new Error(explainViolation(validate.errors as Violation[], place))
  return value as Static<T>
}

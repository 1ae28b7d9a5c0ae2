import { BazaarError } from '@bazaar/client/contract'
import { Ajv, type ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { explainViolation, type Violation } from './violation.ts'

/** The rules of the house: no text for numbers, no unknown field silently dropped, defaults filled in. */
export const ajvOptions = { coerceTypes: false, removeAdditional: false, useDefaults: true, verbose: true } as const

/**
 * Makes a check of values that did not come in a request of HTTP (a file, the environment, a line of another protocol), by
 * the same rules as for those that did. The check fills in defaults and gives the value back. `place` names the whole value
 * where a message is about the whole.
 *
 * @throws the check: BazaarError INVALID with a message that names field, rule and value
 */
export function checkOf<T extends TSchema>(schema: T, place: string): (value: unknown) => Static<T> {
  const validate: ValidateFunction = new Ajv({ ...ajvOptions, strict: false }).compile(schema)
  return value => {
    if (!validate(value)) throw new BazaarError('INVALID', explainViolation(validate.errors as Violation[], place))
    return value as Static<T>
  }
}

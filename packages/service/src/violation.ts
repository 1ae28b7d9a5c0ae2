/** One broken rule as ajv reports it in its verbose mode. */
export interface Violation {
  keyword: string
  /** JSON pointer to the value, '' for the whole. */
  instancePath: string
  params: Record<string, unknown>
  parentSchema?: Rule
  data?: unknown
}

/** The parts of a JSON schema that a message is made of. */
export interface Rule {
  type?: unknown
  description?: string
  const?: unknown
  anyOf?: readonly Rule[]
  properties?: Readonly<Record<string, Rule>>
  pattern?: string
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
}

/** A value in a message is cut after so many characters. */
const shownCharactersMax = 80

/**
 * A message that names field, rule and value: `quantity must be 1..1000000, got "2"`. `place` names the whole (`body`,
 * `querystring` …). Of several violations, the last is the one that sums them up.
 */
export function explainViolation(violations: readonly Violation[], place: string): string {
  const violation = violations.at(-1)
  if (violation === undefined) return `${place} is not valid`
  const { keyword, instancePath, params, parentSchema = {}, data } = violation
  const field = instancePath === '' ? place : instancePath.slice(1).replaceAll('/', '.')
  const within = instancePath === '' ? '' : `${field}.`
  if (keyword === 'required') return explainMissing(within, String(params.missingProperty), parentSchema)
  if (keyword === 'additionalProperties')
    return `${within}${fieldName(String(params.additionalProperty))} is not a known field`
  return `${field} must be ${describeRule(parentSchema, data)}, got ${show(data)}`
}

function explainMissing(within: string, field: string, { properties }: Rule): string {
  const rule = properties?.[field]
  return `${within}${field} is missing${rule === undefined ? '' : `: it must be ${describeRule(rule)}`}`
}

/** What a schema asks of a value, as the rest of a sentence after "must be". A `description` in the schema wins. */
function describeRule(rule: Rule, value?: unknown): string {
  if (rule.description !== undefined) return rule.description
  if (rule.const !== undefined) return JSON.stringify(rule.const)
  if (rule.anyOf !== undefined) return rule.anyOf.map(each => describeRule(each)).join(' or ')
  if (rule.type === 'integer' || rule.type === 'number') {
    const whole =
      rule.type === 'integer' && typeof value === 'number' && !Number.isInteger(value) ? 'a whole number ' : ''
    return whole + describeRange(rule, rule.type === 'integer' ? 'a whole number' : 'a number')
  }
  if (rule.type === 'array') return `an array of ${rule.minItems ?? 0}..${rule.maxItems ?? ''} items`
  if (rule.pattern !== undefined) return `text like ${rule.pattern}`
  return rule.type === 'string' ? 'text' : rule.type === 'object' ? 'an object' : String(rule.type)
}

function describeRange({ minimum, maximum }: Rule, otherwise: string): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum}..${maximum}`
  if (minimum !== undefined) return `at least ${minimum}`
  return maximum === undefined ? otherwise : `at most ${maximum}`
}

/** A value as a message shows it: JSON, or what a number became that is too large for one, cut to a bounded length. */
function show(value: unknown): string {
  return cut(typeof value === 'number' ? String(value) : jsonOf(value))
}

/** A client may call a field anything: a word is shown as it is, else what is empty or not one line could not be read. */
function fieldName(name: string): string {
  return /^\w+$/.test(name) ? cut(name) : show(name)
}

/** By code points: half of one is no character, and ends a client that prints it. */
function cut(text: string): string {
  const characters = [...text]
  return characters.length > shownCharactersMax ? `${characters.slice(0, shownCharactersMax).join('')}…` : text
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch (error) {
    // A body of 16 KiB can be nested deeper than the stack goes, which JSON.parse does not use.
    if (error instanceof RangeError) return 'what is nested too deep to be shown'
    throw error
  }
}

/** Throws on what cannot happen: a replica that is wrong must not go on. */
export function assert(condition: boolean, rule: string, value?: unknown): asserts condition {
  if (!condition) throw new Error(`raft: ${rule}${value === undefined ? '' : `, got ${JSON.stringify(value)}`}`)
}

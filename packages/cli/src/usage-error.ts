/** Exit statuses of the command: all well, the check failed, wrong usage. */
export const exitStatus = { ok: 0, failed: 1, usage: 2 } as const

/** An option that cannot be used as given. The message names the option, the rule and the value. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

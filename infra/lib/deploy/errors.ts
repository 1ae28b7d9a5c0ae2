/** Something that the person can mend; the message says how. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
}

/** Words that cannot be used as given. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

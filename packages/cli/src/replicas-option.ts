import { replicasMax } from '@bazaar/client'
import { replicasOf } from '@bazaar/cluster'
import { integerOption } from './option-values.ts'
import { UsageError } from './usage-error.ts'

/** Reads `--replicas`: odd, and the number that the data folder has had from its first start. Throws a `UsageError`. */
export function replicasOption(text: string, data: string): number {
  const replicas = integerOption('replicas', text, 1, replicasMax)
  if (replicas % 2 === 0) {
    throw new UsageError(
      `--replicas must be odd, got ${replicas}: one more than ${replicas - 1} survives no more crashes`,
    )
  }
  const existing = replicasOf(data)
  if (existing !== null && existing !== replicas) {
    throw new UsageError(`--replicas must stay ${existing}, which is how many ${data} has, got ${replicas}`)
  }
  return replicas
}

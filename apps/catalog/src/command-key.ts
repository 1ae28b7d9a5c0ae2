import { createHash } from 'node:crypto'
import { keyLengthMax } from '@bazaar/client'

/**
 * The idempotency key of what the catalog does to a product of its own accord: the same for every catalog and every
 * attempt, so that it happens once. Readable where the name allows it: a key is ASCII and of bounded length.
 */
export function commandKey(purpose: string, name: string): string {
  const key = `${purpose}:${encodeURIComponent(name)}`
  return key.length <= keyLengthMax ? key : `${purpose}:${createHash('sha256').update(name).digest('hex')}`
}

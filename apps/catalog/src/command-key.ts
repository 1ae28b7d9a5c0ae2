import { createHash } from 'node:crypto'
import { keyLengthMax } from '@bazaar/client'

/**
 * The idempotency key of what the catalog does of its own accord, to a product as a rule: the same for every catalog and
 * every attempt, so that it happens once. Readable where the name allows it: a key is ASCII and of bounded length. Its
 * space is in no client's key, or a client could use it up for an order and so keep a product empty.
 */
export function commandKey(purpose: string, name: string): string {
  const key = `${purpose} ${encodeURIComponent(name)}`
  return key.length <= keyLengthMax ? key : `${purpose} ${createHash('sha256').update(name).digest('hex')}`
}

import { BazaarError, keyLengthMax } from '@bazaar/client'

const visible = new RegExp(`^[\\x21-\\x7e]{1,${keyLengthMax}}$`)
/** A string of Structured Field Values (RFC 9651, 3.3.3): quoted, with `\"` and `\\` as the only escapes. */
const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/

/**
 * The key in an `Idempotency-Key` header, quoted as the draft has it (draft-ietf-httpapi-idempotency-key-header) or
 * bare as most clients send it; null when there is no header.
 *
 * @throws BazaarError INVALID when it is not 1–255 visible ASCII characters
 */
export function idempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null
  const text = String(header)
  const key = text.startsWith('"') ? quoted.exec(text)?.[1]?.replace(/\\(.)/g, '$1') : text
  if (key !== undefined && visible.test(key)) return key
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  throw new BazaarError(
    'INVALID',
    `Idempotency-Key must be 1–${keyLengthMax} visible characters, bare or in quotes, got ${shown}`,
  )
}

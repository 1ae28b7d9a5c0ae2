import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { BazaarError } from '@bazaar/client'
import type { Service } from '@bazaar/service'

const charsetOf = /;\s*charset\s*=\s*"?([^\s";]*)/i
const strings = /"(?:[^"\\]|\\.)*"/g
const colons = /:/g

/**
 * Refuses a body that names a field twice: JSON.parse would silently take the last, another parser the first (RFC 8259,
 * section 4); and one that is not plain UTF-8 (section 8.1), or says that it is not, of which a lenient decoder would make
 * other names. A field `__proto__` is one that no schema knows, and is refused by that name.
 */
export function refuseLooseJSON(app: Service): void {
  const parse = app.getDefaultJsonParser('ignore', 'ignore')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    const refusal = refusalOf(request.headers)
    if (refusal !== null) return done(refusal)
    if (!isUtf8(bytes)) return done(new BazaarError('INVALID', 'body must be UTF-8, and is not'))
    const text = bytes.toString()
    parse(request, text, (error: Error | null, body?: unknown) => {
      if (error !== null) done(error)
      else if (hasDuplicateFields(text, body)) done(new BazaarError('INVALID', 'body must name each field once'))
      else done(null, body)
    })
  })
}

/** The answer to what is not decoded here: charsets, content codings (RFC 9110, 15.5.16), transfer codings (RFC 9112, 6.1). */
function refusalOf(headers: IncomingHttpHeaders): BazaarError | null {
  const charset = charsetOf.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  const { 'content-encoding': content = 'identity', 'transfer-encoding': transfer = 'chunked' } = headers
  if (charset.toLowerCase() !== 'utf-8') {
    return new BazaarError(
      'UNSUPPORTED_MEDIA_TYPE',
      `charset of the body must be utf-8, got ${JSON.stringify(charset)}`,
    )
  }
  if (content.toLowerCase() !== 'identity') {
    return new BazaarError(
      'UNSUPPORTED_MEDIA_TYPE',
      `body must come without a content-encoding, got ${JSON.stringify(content)}`,
    )
  }
  if (transfer.toLowerCase() !== 'chunked') {
    return new BazaarError('NOT_IMPLEMENTED', `transfer-encoding must be chunked, got ${JSON.stringify(transfer)}`)
  }
  return null
}

/** Counts fields by their colons; the bodies of our contract are flat objects, and any other is refused later. */
function hasDuplicateFields(text: string, body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  const fields = Object.keys(body).length
  if (count(text) === fields) return false
  const flat = Object.values(body).every(value => typeof value !== 'object' || value === null)
  return flat && count(text.replaceAll(strings, '')) !== fields
}

function count(text: string): number {
  return text.match(colons)?.length ?? 0
}

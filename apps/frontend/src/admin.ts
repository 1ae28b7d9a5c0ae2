import { createHash, timingSafeEqual } from 'node:crypto'
import { BazaarError } from '@bazaar/client'

/** Checks an `Authorization` header. @throws BazaarError UNAUTHORIZED */
export type AdminCheck = (authorization: string | undefined) => void

/** The credentials of the scheme, whose name is in any case (RFC 9110, 11.1). */
const bearer = /^bearer +(.*)$/i

/** Lets in who sends `Bearer <token>` (RFC 6750); nobody when there is no token. Takes the same time for any guess. */
export function adminCheck(token: string | undefined): AdminCheck {
  if (token === undefined) {
    return () => {
      throw new BazaarError(
        'UNAUTHORIZED',
        'this front-end was started without ADMIN_TOKEN, so nobody may change products',
      )
    }
  }
  const expected = digest(token)
  return authorization => {
    const given = authorization === undefined ? undefined : bearer.exec(authorization)?.[1]
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return
    throw new BazaarError('UNAUTHORIZED', 'Authorization must be Bearer with the ADMIN_TOKEN')
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

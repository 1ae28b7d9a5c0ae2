/** How every error travels: `code` repeats the HTTP status, `reason` is for programs, `message` for people. */
export interface ErrorBody {
  error: { code: number; reason: ErrorReason; message: string; leader?: string | null }
}

/**
 * The one catalogue of errors and the only place that knows status codes.
 * `NOT_LEADER` stays between the processes: 421 Misdirected Request (RFC 9110, 15.5.20), with a hint in `leader`.
 */
export const statusOf = {
  INVALID: 400,
  UNAUTHORIZED: 401,
  PRODUCT_NOT_FOUND: 404,
  ORDER_NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  OUT_OF_STOCK: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  NOT_LEADER: 421,
  KEY_REUSED: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL: 500,
  NOT_IMPLEMENTED: 501,
  NO_QUORUM: 503,
  OVERLOADED: 503,
} as const

export type ErrorReason = keyof typeof statusOf

/** Seconds a client is asked to wait (`Retry-After`, RFC 9110, 10.2.3) when the answer is a 503 or a 429. */
export const retryAfterSeconds = 1

/** An error that has a place in the catalogue. Domain code throws it; `packages/service` turns it into an answer. */
export class BazaarError extends Error {
  override readonly name = 'BazaarError'
  readonly reason: ErrorReason
  /** With `NOT_LEADER`: the name of the replica that leads (`order-3`), or null while none is known. */
  readonly leader: string | null | undefined

  constructor(reason: ErrorReason, message: string, leader?: string | null) {
    super(message)
    this.reason = reason
    this.leader = leader
  }

  get code(): number {
    return statusOf[this.reason]
  }

  toBody(): ErrorBody {
    const { code, reason, message, leader } = this
    return { error: leader === undefined ? { code, reason, message } : { code, reason, message, leader } }
  }

  /** The error in a JSON answer, or null when the value is not an `ErrorBody`. */
  static from(body: unknown): BazaarError | null {
    const error = (body as Partial<ErrorBody> | null)?.error
    if (typeof error !== 'object' || error === null || !Object.hasOwn(statusOf, error.reason)) return null
    return new BazaarError(error.reason, error.message, error.leader)
  }
}

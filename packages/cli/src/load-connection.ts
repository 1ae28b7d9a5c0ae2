/** A request of a load generator. */
export interface LoadRequest {
  method: 'GET' | 'POST'
  path: string
  /** The body of a POST: JSON in ASCII. */
  json?: string
  /** The idempotency key of a POST. */
  key?: string
}

export interface LoadAnswer {
  status: number
  /** `Cache-Status`, or empty. */
  cacheStatus: string
  body: string
}

/** Called once for each request: with its answer, or with why there is none. */
export type OnAnswer = (error: Error | null, answer: LoadAnswer) => void

/** One kept-alive connection with one request under way. */
export interface LoadConnection {
  send(request: LoadRequest, onAnswer: OnAnswer): void
  close(): void
}

/** Nothing of the shop takes so long, in ms: it has hung. Longer than a connection rests while others have their turns. */
export const silenceMaxMs = 30_000

export const noAnswer: LoadAnswer = { status: 0, cacheStatus: '', body: '' }

import type { LoadConnection, LoadRequest } from './load-connection.ts'
import type { Recorder } from './statistics.ts'

/** What one slice of load did. */
export interface LoadResult {
  /** Requests answered with 200. */
  answered: number
  /** Others, and why the first of them was not. */
  failed: number
  firstFailure: string | null
  elapsedMs: number
}

/** Makes the next request. */
export type NextRequest = () => LoadRequest

/**
 * Keeps a request under way on each connection for a while (a closed loop), and records how long each took, in ms. A
 * connection that fails rests.
 */
export function runLoad(
  connections: readonly LoadConnection[],
  durationMs: number,
  next: NextRequest,
  recorder: Recorder,
): Promise<LoadResult> {
  const result: LoadResult = { answered: 0, failed: 0, firstFailure: null, elapsedMs: 0 }
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const drive = (connection: LoadConnection): Promise<void> =>
    new Promise(resolve => {
      const send = () => {
        const sentAt = performance.now()
        if (sentAt >= endsAt) return resolve()
        connection.send(next(), (error, { status, body }) => {
          if (error !== null || status !== 200) {
            result.failed += 1
            result.firstFailure ??= error?.message ?? `${status} ${body}`
            return resolve()
          }
          result.answered += 1
          recorder.record(performance.now() - sentAt)
          send()
        })
      }
      send()
    })
  return Promise.all(connections.map(drive)).then(() => ({ ...result, elapsedMs: performance.now() - startedAt }))
}

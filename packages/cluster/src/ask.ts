import { ConnectionError, type ErrorBody, Requester } from '@bazaar/client'

export interface Question {
  method?: 'GET' | 'POST'
  timeoutMs: number
}

/** The answer to a question; `body` is the JSON of it. */
export interface Answer {
  status: number
  body: unknown
}

/**
 * One request on a connection of its own: what asks a process that may be dead, starting or paused must not queue
 * behind an earlier question. Throws ConnectionError when there is no usable answer within `timeoutMs`.
 *
 * @param target A URL or the path of a unix socket.
 */
export async function ask(target: string, path: string, { method = 'GET', timeoutMs }: Question): Promise<Answer> {
  const requester = new Requester(target, 1)
  try {
    return await requester.send(method, path, undefined, { timeoutMs })
  } finally {
    await requester.close()
  }
}

/** Whether the answer to `path` is a 200. */
export async function isWell(target: string, path: string, timeoutMs: number): Promise<boolean> {
  try {
    return (await ask(target, path, { timeoutMs })).status === 200
  } catch {
    return false
  }
}

/** What a front-end says is in the way of its orders; null when nothing is, or it does not answer. */
export async function obstacleOf(url: string, timeoutMs: number): Promise<string | null> {
  try {
    const { status, body } = await ask(url, '/ready', { timeoutMs })
    return status === 200 ? null : ((body as Partial<ErrorBody> | null)?.error?.message ?? null)
  } catch {
    return null
  }
}

/** Whether a question failed because nobody listens, not because whoever listens is slow. */
export function nobodyListens(error: unknown): boolean {
  const cause = error instanceof ConnectionError ? (error.cause as NodeJS.ErrnoException) : null
  return ['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(cause?.code ?? '')
}

import { request } from 'node:http'

const answerBytesMax = 1024 * 1024

export interface Answer {
  status: number
  /** The JSON of the answer; null when it is not JSON. */
  body: unknown
}

export interface Question {
  method?: 'GET' | 'POST'
  body?: unknown
  timeoutMs: number
}

/**
 * One request on a connection of its own: what asks a process that may be dead, starting or paused must not queue
 * behind an earlier question. Rejects with the error of the connection, or after `timeoutMs`.
 *
 * @param target A unix socket and a path on it, or a URL.
 */
export function ask(target: { socketPath: string; path: string } | URL, question: Question): Promise<Answer> {
  const { method = 'GET', body, timeoutMs } = question
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const payload = body === undefined ? null : JSON.stringify(body)
  const headers =
    payload === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
  const signal = AbortSignal.timeout(timeoutMs)
  const options = { method, headers, signal, agent: false }
  const sent = target instanceof URL ? request(target, options) : request({ ...target, ...options })
  sent.once('error', reject)
  sent.once('response', response => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > answerBytesMax) response.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`))
      else chunks.push(chunk)
    })
    response.once('error', reject)
    response.once('end', () =>
      resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }),
    )
  })
  sent.end(payload ?? undefined)
  return promise
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BazaarError, type ErrorReason, retryAfterSeconds } from '@bazaar/client/contract'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { endWithError, refuseWhatFollows } from './http-server.ts'

/** The catalogue's reason for a status that Fastify or a plugin chose. Any other 4xx is the client's mistake: INVALID. */
const reasonOfStatus: Readonly<Record<number, ErrorReason>> = {
  401: 'UNAUTHORIZED',
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  503: 'OVERLOADED',
}

/**
 * Fastify's error handler: answers with an `ErrorBody` of the catalogue, `Retry-After` on 429 and 503. What the
 * catalogue does not know is logged and answered with a 500 that says nothing of its cause.
 */
export function answerError(error: FastifyError | BazaarError, request: FastifyRequest, reply: FastifyReply): void {
  const known = toBazaarError(error, request)
  if (known.reason === 'INTERNAL') request.log.error({ err: error, method: request.method, url: request.url })
  if ((known.code === 503 || known.code === 429) && !reply.hasHeader('retry-after')) {
    reply.header('retry-after', retryAfterSeconds)
  }
  if (reply.hasHeader('connection')) closeOnlyBeforeARest(request, reply)
  reply.code(known.code).send(known.toBody())
}

/** Fastify closes the connection after any body that it refuses; one that came whole is in nobody's way. */
function closeOnlyBeforeARest({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) reply.removeHeader('connection')
  else refuseWhatFollows(raw)
}

/** What a client is told of a bug: nothing of its cause. */
export function internalError(): BazaarError {
  return new BazaarError('INTERNAL', 'something went wrong here; it is in the log')
}

function toBazaarError(error: FastifyError | BazaarError, request: FastifyRequest): BazaarError {
  if (error instanceof BazaarError) return error
  const { statusCode } = error
  if (statusCode === undefined || statusCode < 400 || (statusCode >= 500 && statusCode !== 503)) {
    return internalError()
  }
  return new BazaarError(reasonOfStatus[statusCode] ?? 'INVALID', messageOf(error, request))
}

function messageOf(error: FastifyError, request: FastifyRequest): string {
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return 'body must be JSON, and is not'
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return 'body must be JSON, and is empty'
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return `body must be at most ${request.routeOptions.bodyLimit} bytes`
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return `content-type must be application/json, got ${JSON.stringify(request.headers['content-type'] ?? null)}`
    default:
      return error.message
  }
}

/** With the answer that is next to go out on it, as Node's own handler of broken requests looks at it. */
type HTTPSocket = Socket & { _httpMessage?: ServerResponse<IncomingMessage> | null }

/** Sockets that are closed once all whole requests on them are answered. */
const broken = new WeakSet<Socket>()

/** Answers what is not even HTTP, too long in its headers, or not whole in time, and closes the connection. */
export function answerBrokenHTTP(error: Error & { code?: string }, socket: HTTPSocket): void {
  if (error.code === 'ECONNRESET') return void socket.destroy()
  if (broken.has(socket)) return
  broken.add(socket)
  endOnceAnswered(socket, error)
}

/**
 * What came whole before is answered first (RFC 9112, 9.3.2): in place of its answer, a 400 would say of an order that was
 * placed that it was not.
 */
function endOnceAnswered(socket: HTTPSocket, error: Error & { code?: string }): void {
  const answer = socket._httpMessage
  if (answer?.req.complete) return void answer.once('finish', () => endOnceAnswered(socket, error))
  if (!socket.writable) return
  endWithError(
    socket,
    'Bad Request',
    new BazaarError('INVALID', `request must be HTTP, whole and in time: ${error.code}`),
  )
}

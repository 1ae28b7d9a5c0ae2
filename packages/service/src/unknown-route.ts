import { BazaarError } from '@bazaar/client/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Answers requests that no route takes: 405 with `Allow` where the path is known under other methods (RFC 9110,
 * 15.5.6), 404 ROUTE_NOT_FOUND otherwise. Call it before the routes are added. Only such requests pay for it.
 */
export function answerUnknownRoute<T extends Pick<FastifyInstance, 'addHook' | 'setNotFoundHandler'>>(
  service: T,
): void {
  const methodsOfPath = new Map<string, Set<string>>()
  service.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOfPath.get(url) ?? new Set()
    methodsOfPath.set(url, methods)
    for (const each of [method].flat()) methods.add(each)
  })
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const path = request.url.split('?', 1)[0] as string
    const methods = new Set<string>()
    for (const [pattern, known] of methodsOfPath) {
      if (matches(pattern, path)) for (const method of known) methods.add(method)
    }
    // A path with a wildcard route for this very method was offered to that route already, and declined by it.
    if (methods.size === 0 || methods.has(request.method)) {
      throw new BazaarError('ROUTE_NOT_FOUND', `no route for ${request.method} ${path}`)
    }
    const allow = [...methods].sort().join(', ')
    reply.header('allow', allow)
    throw new BazaarError('METHOD_NOT_ALLOWED', `${path} takes ${allow}, not ${request.method}`)
  }
  // Where Fastify has looked at the body already, its answer would be to that. Its types do not know of this hook.
  const beforeBody: object = {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => refuse(request, reply),
  }
  service.setNotFoundHandler(beforeBody, refuse)
}

/** Whether a path fits a route's pattern: `:name` stands for one segment, a final `*` for any rest. */
function matches(pattern: string, path: string): boolean {
  const expected = pattern.split('/')
  const actual = path.split('/')
  if (expected.at(-1) === '*') actual.length = Math.min(actual.length, expected.length)
  return (
    expected.length === actual.length &&
    expected.every((segment, at) => segment === '*' || segment.startsWith(':') || segment === actual[at])
  )
}

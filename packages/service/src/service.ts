import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { bodyBytesMax } from '@bazaar/client/contract'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { pino } from 'pino'
import { ajvOptions } from './check.ts'
import { answerBrokenHTTP, answerError } from './error-handler.ts'
import { createHTTPServer } from './http-server.ts'
import { answerUnknownRoute } from './unknown-route.ts'
import { explainViolation, type Violation } from './violation.ts'

/** How long a client may take to send one whole request, in ms. */
const usualRequestTimeoutMs = 10_000
/** So often in that time it is looked at; Node's own half a minute would make it 40 s. */
const timeoutChecks = 10
/** A socket on which nothing moves for so long during a request is closed. Above the 10 s an order may take. */
const connectionTimeoutMs = 30_000
/** An idle keep-alive connection is kept for so long. */
const keepAliveTimeoutMs = 60_000
/** How often a closing service looks for connections that have become idle. */
const idleSweepIntervalMs = 10
/** Longer than any path that Node's own header limit lets through, so that a schema judges the length of a name. */
const paramLengthMax = 16 * 1024

/** A Fastify instance with the house settings; route schemas in TypeBox give the types of bodies and parameters. */
export type Service = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>

export interface ServiceOptions {
  /** The process's name, on every log line. */
  name: string
  /** How long a client may take to send one whole request; 10 s unless a test has less time. */
  requestTimeoutMs?: number
}

/**
 * Builds a Fastify instance that answers every failure from the one catalogue of errors (`@bazaar/client`): domain code
 * throws a `BazaarError`, everything else that goes wrong is translated. It does not listen: see `startService`. Nothing
 * is logged, hooked or decorated per request; JSON log lines at `warn` and above go to standard output.
 */
export function buildService({ name, requestTimeoutMs = usualRequestTimeoutMs }: ServiceOptions): Service {
  const http = {
    requestTimeout: requestTimeoutMs,
    // Node takes the longer of the two for the whole request, whichever is called so.
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: requestTimeoutMs / timeoutChecks,
    keepAliveTimeout: keepAliveTimeoutMs,
  }
  const log = pino({ level: 'warn', name })
  const service = fastify({
    // No `logger`: with one Fastify waits for the end of every response, to log it, even where nothing is to be logged,
    // which takes a sixth of a look-up's processor time. What it has to say itself comes to the same log all the same.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: () => log,
    bodyLimit: bodyBytesMax,
    // Every schema is strict, so a field of these names is told from any other only by its name.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    serverFactory: handler => createHTTPServer(handler, http, connectionTimeoutMs),
    // Requests that come in on open connections while the service stops are still answered.
    return503OnClosing: false,
    routerOptions: { maxParamLength: paramLengthMax },
    ajv: { customOptions: ajvOptions },
    schemaErrorFormatter: (violations, place) => new Error(explainViolation(violations as Violation[], place)),
    frameworkErrors: answerError,
    clientErrorHandler: answerBrokenHTTP,
  }).withTypeProvider<TypeBoxTypeProvider>()
  service.log = log
  // Fastify would hand a text/plain body to the handlers; here it is 415.
  service.removeContentTypeParser('text/plain')
  service.setErrorHandler(answerError)
  answerUnknownRoute(service)
  closeConnectionsAsTheyIdle(service)
  return service
}

/**
 * Node closes the connections that are idle when a server begins to close, but not those that become idle after their
 * last answer: a keep-alive client would hold up a graceful stop for its whole time-out.
 */
function closeConnectionsAsTheyIdle(service: Service): void {
  let sweep: NodeJS.Timeout | undefined
  service.addHook('preClose', async () => {
    sweep = setInterval(() => service.server.closeIdleConnections(), idleSweepIntervalMs)
  })
  service.addHook('onClose', async () => clearInterval(sweep))
}

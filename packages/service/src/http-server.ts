import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { BazaarError } from '@bazaar/client/contract'

/** How long who was refused on a bare socket may go on sending what nobody reads. */
const lingerMs = 1000
const methodsTaken = 'GET, HEAD, POST, PUT'

/** Sockets on which an answer has begun that is the last. */
const closing = new WeakSet<Socket>()

/**
 * Node's HTTP server, but that what Node would answer by itself, without a body, has one of the catalogue's, too: a request
 * without `Host` or with several (RFC 9112, 3.2), and CONNECT. An `Expect` that nobody knows is ignored, as it may be
 * (RFC 9110, 10.1.1).
 *
 * @param idleMs a socket on which nothing moves for so long during a request is closed
 */
export function createHTTPServer(handler: RequestListener, options: ServerOptions, idleMs: number): Server {
  const server = createServer({ ...options, requireHostHeader: false }, (request, response) => {
    if (closing.has(request.socket)) return
    const hosts = countHosts(request.rawHeaders)
    if (hosts === 1 || (hosts === 0 && isOlderThanHost(request))) return handler(request, response)
    const { head, body } = closingAnswer(
      new BazaarError('INVALID', `request must have one Host header, and has ${hosts}`),
    )
    refuseWhatFollows(request)
    response.writeHead(400, head).end(body)
  })
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  server.on('connect', (_request, socket) => {
    // Node has taken its own listener off: without one, a client that resets the connection would end the process.
    socket.on('error', () => socket.destroy())
    const error = new BazaarError('METHOD_NOT_ALLOWED', `this server takes ${methodsTaken}, not CONNECT`)
    endWithError(socket, 'Method Not Allowed', error, { allow: methodsTaken })
  })
  // Who has sent all that it has to say, and says so by closing its side, still waits for the answer.
  return Object.assign(server, { httpAllowHalfOpen: true }).setTimeout(idleMs)
}

/**
 * For a request whose answer is the last on its connection: what was sent behind it is not carried out (RFC 9112, 9.6), since
 * nobody would hear what became of it.
 */
export function refuseWhatFollows({ socket }: IncomingMessage): void {
  closing.add(socket)
}

/** Among names and values by turns: of several, `headers` has only the first. */
function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts
}

/** HTTP/1.0 does not know the header. */
function isOlderThanHost({ httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMajor === 1 && httpVersionMinor === 0
}

type Head = Readonly<Record<string, string>>

/**
 * Answers with an error on a bare socket, and closes it once the other side has closed, too, or after `lingerMs`: closed at
 * once, with more to read, it would be reset, and the answer with it (RFC 9112, 9.6).
 */
export function endWithError(socket: Duplex, phrase: string, error: BazaarError, headers: Head = {}): void {
  const { head, body } = closingAnswer(error)
  const lines = Object.entries({ ...head, ...headers }).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${error.code} ${phrase}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}

function closingAnswer(error: BazaarError): { head: Head; body: string } {
  const body = JSON.stringify(error.toBody())
  const head = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  return { head, body }
}

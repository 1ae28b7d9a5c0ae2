import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { ClusterError } from './errors.ts'

/**
 * Makes sure that the front-end can have its port, before anything is started, and resolves with the port: `port`
 * itself, or a free one when it is 0. Throws `PORT_IN_USE`, also when this user may not use it.
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch (error) {
    throw new ClusterError('PORT_IN_USE', `cannot listen on ${host}:${port}: ${explain(error, port)}`)
  } finally {
    server.close()
  }
}

/** The address under which this machine reaches a front-end that listens on `host`. */
export function urlOf(host: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host)
  return `http://${reachable}:${port}`
}

function explain(error: unknown, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return `the port is in use; choose another with --port`
  if (code === 'EACCES') return `this user may not use port ${port}; choose one above 1023 with --port`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `this machine does not have that address`
  return message
}

import { connect } from 'node:net'
import { type Summary, summarize } from './statistics.ts'

const connectionsTried = 9
const connectTimeoutMs = 5_000

/**
 * How long one round trip of the network takes: the time to open a TCP connection, in ms, tried several times.
 * Throws when the address does not answer.
 */
export async function measureNetwork(url: string): Promise<Summary> {
  const { hostname, port, protocol } = new URL(url)
  // An IPv6 address stands in brackets in a url, and without them everywhere else.
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const portNumber = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const times: number[] = []
  for (let tried = 0; tried < connectionsTried; tried += 1) times.push(await connectOnce(host, portNumber))
  return summarize(times)
}

function connectOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let startedAt = performance.now()
    const socket = connect({ host, port, timeout: connectTimeoutMs })
    // What it takes to find the address of a name, or to try its other addresses, is not the network's way to the shop.
    socket.on('connectionAttempt', () => {
      startedAt = performance.now()
    })
    socket.once('connect', () => {
      resolve(performance.now() - startedAt)
      socket.destroy()
    })
    socket.once('timeout', () => {
      reject(new Error(`${host}:${port} did not answer within ${connectTimeoutMs} ms`))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

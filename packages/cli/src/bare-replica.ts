import { fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { callLineBytesMax, LineSplitter, type OrderRequest } from '@bazaar/client'
import { bareOrder } from './bare-order.ts'

/**
 * The replicas of the bare chain, each in a process of its own: what an order's way through a leader and a follower costs
 * when nothing is kept, judged, checked or elected. The one that is given the socket of a next numbers the orders of each
 * line that it gets, hands them on, and answers with them once both have them on disk. Says when it listens; stops when
 * its standard input closes.
 *
 * Usage: bare-replica.js SOCKET FILE [NEXT]
 */
const [socketPath, file, nextPath] = process.argv.slice(2) as [string, string, string?]

/** The file has this length from the start and is written over and over, as the replicas' own ring is. */
const fileBytes = 1 << 20

const descriptor = openSync(file, 'w', 0o600)
writeSync(descriptor, Buffer.alloc(fileBytes, '\n'))
fsyncSync(descriptor)
let at = 0
let number = 0

function store(text: string): void {
  const bytes = Buffer.from(text)
  if (at + bytes.length > fileBytes) at = 0
  writeSync(descriptor, bytes, 0, bytes.length, at)
  at += bytes.length
  fdatasyncSync(descriptor)
}

/** As the leader: one line at a time, because whoever sends them waits for the answer to one before the next. */
function lead(follower: Socket): (line: string, peer: Socket) => void {
  return (line, peer) => {
    const requests: OrderRequest[] = JSON.parse(line)
    const orders = `${JSON.stringify(requests.map(request => bareOrder(request, ++number)))}\n`
    follower.once('data', () => peer.write(orders))
    follower.write(orders)
    store(orders)
  }
}

function follow(line: string, peer: Socket): void {
  store(`${line}\n`)
  peer.write('\n')
}

const take = nextPath === undefined ? follow : lead(connect(nextPath))
createServer(peer => {
  const splitter = new LineSplitter(callLineBytesMax)
  peer.on('data', chunk => {
    for (const line of splitter.push(chunk)) take(line, peer)
  })
}).listen(socketPath, () => console.log(socketPath))
process.stdin.on('end', () => process.exit()).resume()

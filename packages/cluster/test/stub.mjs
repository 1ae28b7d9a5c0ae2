// A process that behaves as the supervisor expects of every process, and misbehaves as its environment says.
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'

const { BAZAAR_NAME: name, BAZAAR_DATA: data, BAZAAR_CACHE, ADMIN_TOKEN, STUB } = process.env
process.stdin.resume().on('end', () => process.exit(0))
const inherited = { BAZAAR_CACHE, ADMIN_TOKEN }
console.log(JSON.stringify({ name, cwd: process.cwd(), supervised: process.env.BAZAAR_SUPERVISED, ...inherited }))
if (STUB === 'crash') {
  console.error('no such thing as luck')
  process.exit(3)
}
process.on('SIGTERM', () => {
  if (STUB === 'stubborn') return
  console.log('asked to end')
  process.exit(0)
})
const socket = `${data}/${name}.sock`
rmSync(socket, { force: true })
const status = {
  role: name === 'order-2' ? 'leader' : 'follower',
  term: 4,
  lastIndex: 7,
  commitIndex: 6,
  appliedIndex: 6,
  rssMiB: 50,
}
createServer((_request, response) => response.end(JSON.stringify(status))).listen(socket)

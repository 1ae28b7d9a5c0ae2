// What EC2 puts around a machine, on one loopback port of a network of its own (run it under `unshare --net`): the
// instance metadata service, the package registry, and whoever takes the signal. It ends when standard input closes.
//
// node cloud.ts USER_DATA_FILE PACKAGES_FOLDER
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { cloudPort, instanceId } from './cloud-address.ts'

const [userDataFile = '', packagesFolder = ''] = process.argv.slice(2)

/** The metadata tree, as far as cloud-init walks it; a folder ends with `/`. */
const metadata: Record<string, string> = {
  '': 'instance-id\ninstance-type\nlocal-hostname\nplacement/',
  'instance-id': instanceId,
  'instance-type': 't2.micro',
  'local-hostname': 'ip-172-31-0-10.ec2.internal',
  'placement/': 'availability-zone',
  'placement/availability-zone': 'us-east-1a',
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/'
  if (path.startsWith('/signal/')) {
    console.log(JSON.stringify(JSON.parse(await text(request))))
    response.end()
  } else if (path === '/latest/api/token') {
    response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', '21600').end('token')
  } else {
    const found = find(path)
    response.writeHead(found === null ? 404 : 200).end(found ?? '')
  }
}

function find(path: string): string | Buffer | null {
  const [, scope, archive] = /^\/(?:@([^/]+)\/)?[^/]+\/-\/([^/]+)$/.exec(path) ?? []
  // `npm pack` puts the scope into the name of the file.
  if (archive !== undefined)
    return readFileSync(join(packagesFolder, scope === undefined ? archive : `${scope}-${archive}`))
  // The first part of a metadata path is the version of its format.
  const [, kind, rest = ''] = /^\/[^/]+\/(meta-data|user-data)\/?(.*)$/.exec(path) ?? []
  if (kind === 'user-data') return readFileSync(userDataFile)
  return kind === undefined ? null : (metadata[rest] ?? null)
}

execFileSync('ip', ['link', 'set', 'lo', 'up'])
process.stdin.resume().once('close', () => process.exit())
createServer((request, response) => {
  answer(request, response).catch(error => response.writeHead(500).end(String(error)))
}).listen(cloudPort, '127.0.0.1', () => console.log('listening'))

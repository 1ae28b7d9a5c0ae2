import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const fixture = fileURLToPath(new URL('process.fixture.ts', import.meta.url))
const hasStrace = spawnSync('strace', ['-V']).status === 0
const children = new Set<ChildProcess>()
const folder = mkdtempSync(join(tmpdir(), 'bazaar-service-'))
const socket = join(folder, 'order-1.sock')
t.teardown(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

interface Process {
  child: ChildProcess
  output(): string
  /** Resolves once the output contains the word, or the process has ended. */
  said(word: string): Promise<void>
  ended: Promise<number | null>
}

function start(environment: Record<string, string> = {}, wrapper: readonly string[] = []): Process {
  const [command = '', ...args] = [...wrapper, process.execPath, fixture]
  const child = spawn(command, args, {
    env: { BAZAAR_NAME: 'order-1', BAZAAR_DATA: folder, FIXTURE_SOCKET: socket, ...environment },
    stdio: 'pipe',
  })
  children.add(child)
  let output = ''
  const grown = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
      for (const look of grown) look()
    })
  }
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child)
    return code as number | null
  })
  const said = (word: string): Promise<void> => {
    const spoken = new Promise<void>(resolve => {
      const look = () => output.includes(word) && resolve()
      grown.add(look)
      look()
    })
    return Promise.race([spoken, ended.then(() => {})])
  }
  return { child, output: () => output, said, ended }
}

async function get(path: string): Promise<{ status: number | undefined; body: string }> {
  const asked = request({ socketPath: socket, path }).end()
  const [answer] = await once(asked, 'response')
  return { status: answer.statusCode, body: await text(answer) }
}

t.test('a service asked to stop answers what it was asked before, and takes its socket away', async t => {
  const service = start()
  await service.said('listening')
  t.equal(statSync(socket).mode & 0o777, 0o600)
  const slow = get('/slow')
  await service.said('asked')
  service.child.kill('SIGTERM')
  t.strictSame(await slow, { status: 200, body: '{"done":true}' })
  t.equal(await service.ended, 0)
  t.match(service.output(), /stopped/)
  t.notOk(existsSync(socket))
})

t.test('a supervised service does not outlive its supervisor, and stops once however often it is asked', async t => {
  for (const signal of [null, 'SIGTERM'] as const) {
    const service = start({ BAZAAR_SUPERVISED: '1' })
    await service.said('listening')
    if (signal !== null) service.child.kill(signal)
    service.child.stdin?.destroy()
    t.equal(await service.ended, 0, service.output())
    t.equal(service.output().split('stopped').length, 2)
  }
})

t.test('a service that was killed leaves a socket that the next one replaces', async t => {
  const first = start()
  await first.said('listening')
  first.child.kill('SIGKILL')
  await first.ended
  t.ok(existsSync(socket))
  const second = start()
  await second.said('listening')
  // Only one that is supervised stops with it.
  second.child.stdin?.destroy()
  const third = start()
  t.equal(await third.ended, 1)
  t.match(third.output(), /another process listens there/)
  t.equal((await get('/slow')).status, 200, 'the second still has its socket')
  second.child.kill('SIGTERM')
  await second.ended
})

t.test('an error that nobody catches is logged and ends the process with status 1', async t => {
  const service = start()
  await service.said('listening')
  await get('/crash').catch(() => {})
  t.equal(await service.ended, 1)
  t.match(service.output(), /"level":60.*something broke/)
  t.notMatch(service.output(), /stopped/)
})

t.test('what fails in a request is on the log, before its answer and after it', async t => {
  const service = start()
  await service.said('listening')
  t.equal((await get('/bug')).status, 500)
  t.equal((await get('/late-bug')).status, 200)
  await service.said('after the answer')
  service.child.kill('SIGTERM')
  await service.ended
  const lines = service.output().match(/^\{.*\}$/gm) ?? []
  t.equal(lines.length, 2)
  t.match(
    lines.map(line => JSON.parse(line)),
    [
      { level: 50, name: 'order-1', method: 'GET', url: '/bug', err: { message: 'something failed', stack: String } },
      { level: 50, name: 'order-1', err: { message: 'something failed after the answer' } },
    ],
  )
})

t.test('a mistake in the configuration ends the process with status 2 and one line', async t => {
  const service = start({ BAZAAR_REPLICAS: 'many' })
  t.equal(await service.ended, 2)
  t.equal(service.output(), 'BAZAAR_REPLICAS must be 1..9, got "many"\n')
})

const faults = [
  { fault: 'write:error=ENOSPC', code: 'ENOSPC' },
  { fault: 'fsync:error=EIO', code: 'EIO' },
  { fault: 'rename:error=EIO', code: 'EIO' },
]
const skip = hasStrace ? false : 'strace is not installed'
for (const { fault, code } of faults) {
  t.test(`${fault} leaves the old file and no temporary one`, { skip }, async t => {
    const data = mkdtempSync(join(folder, 'fault-'))
    const file = join(data, 'state.json')
    writeFileSync(file, '"older"\n')
    writeFileSync(`${file}.tmp`, '"half')
    // Only calls that touch the temporary file are broken; -P follows them by path and descriptor.
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', `${file}.tmp`, '-e', `inject=${fault}`]
    const service = start({ FIXTURE_FILE: file, BAZAAR_SUPERVISED: '1' }, wrapper)
    await service.said('listening')
    t.strictSame(readdirSync(data), ['state.json'], 'what a crash left was removed when the file was opened')
    t.equal((await get('/write')).body, code)
    t.strictSame(readdirSync(data), ['state.json'])
    t.equal(readFileSync(file, 'utf8'), '"older"\n')
    service.child.stdin?.destroy()
    await service.ended
  })
}

import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFact, systemClock } from '@bazaar/client'
import t, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { LogFeed } from '../src/log-feed.ts'
import { realDisk } from '../src/raft-log/disk.ts'
import { LogFile } from '../src/raft-log/log-file.ts'
import { Sealer } from '../src/raft-log/sealer.ts'

const folder = mkdtempSync(join(tmpdir(), 'bazaar-feed-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** A log on disk whose memory is short, so that what was read is soon overwritten, and its feed over HTTP. */
async function startFeed(t: Test) {
  const logFile = new LogFile(await realDisk.open(join(folder, 'log.jsonl')), null, { linesMin: 4, slabBytes: 1 << 12 })
  const log = {
    get appliedIndex() {
      return logFile.lastIndex
    },
    lines: (from: number, to: number) => logFile.read(from, to),
  }
  const feed = new LogFeed(log, systemClock)
  const server = createServer((_, response) => feed.add(response, 0))
  const socketPath = join(folder, 'feed.sock')
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => {
    feed.close()
    server.closeAllConnections()
    server.close()
    logFile.close()
  })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath }, resolve).on('error', reject).end()
    feed.advance()
  })
  return { logFile, feed, answer }
}

t.test('a reader that pauses gets the lines as they were committed, however much is appended meanwhile', async t => {
  const sealer = new Sealer()
  const lines: string[] = []
  const { logFile, feed, answer } = await startFeed(t)
  const append = async (count: number) => {
    const entries = Array.from({ length: count }, () => {
      const index = lines.length + 1
      const entry = sealer.seal(index, 1, encodeFact({ type: 'stock', name: 'Tux', quantity: index, key: `k${index}` }))
      lines.push(Buffer.from(entry.bytes).toString('latin1', entry.start, entry.end))
      return entry
    })
    logFile.append(entries)
    await logFile.flush()
    feed.advance()
  }
  let received = ''
  answer.setEncoding('latin1')
  answer.on('data', (chunk: string) => {
    received += chunk
  })
  await append(10_000)
  await eventually('the reader is served', () => received.length > 10_000)
  answer.pause()
  for (let batch = 0; batch < 60; batch++) {
    await append(400)
    await new Promise(resolve => setImmediate(resolve))
    if (batch % 20 === 10) answer.resume()
    if (batch % 20 === 11) answer.pause()
  }
  answer.resume()
  const sent = lines.join('')
  // Between them stand heartbeats: empty lines.
  const withoutBeats = () => received.split('\n').filter(Boolean).join('\n')
  await eventually('all has come', () => withoutBeats().length >= sent.length - 1)
  t.ok(`${withoutBeats()}\n` === sent, `${lines.length} lines are those of the log`)
})

t.test('a reader that takes no more is sent no more, not even a heartbeat, until it does', async t => {
  const log = { appliedIndex: 1, lines: (from: number, to: number) => Buffer.from(`${from}-${to}\n`) }
  const timers: (() => void)[] = []
  const elapse = () => {
    for (const fire of timers.splice(0)) fire()
  }
  const clock = { now: () => 0, setTimer: (fire: () => void) => timers.push(fire), clearTimer: () => {} }
  const feed = new LogFeed(log, clock)
  const sent: string[] = []
  const response = new EventEmitter()
  Object.assign(response, { write: (bytes: Buffer | string) => sent.push(String(bytes)) === 0, end: () => {} })
  feed.add(response as ServerResponse, 0)
  t.strictSame(sent, ['1-1\n'])
  log.appliedIndex = 3
  feed.advance()
  elapse()
  t.strictSame(sent, ['1-1\n'])
  response.emit('drain')
  t.strictSame(sent, ['1-1\n', '2-3\n'])
  feed.close()
})

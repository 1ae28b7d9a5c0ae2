import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFact, systemClock } from '@bazaar/client'
import type { Message } from '@bazaar/raft'
import t, { type Test } from 'tap'
import { eventually } from '../../../test/patience.ts'
import { Sealer } from '../src/raft-log/sealer.ts'
import { UnixTransport } from '../src/raft-log/transport.ts'
import { encode, MessageReader } from '../src/raft-log/wire.ts'

const entriesMax = 20
const sealer = new Sealer()
const lineAt = (index: number): string => {
  const fact = encodeFact({ type: 'stock', name: 'Tux', quantity: index, key: `key-${index}` })
  const { bytes, start, end } = sealer.seal(index, 3, fact)
  return Buffer.from(bytes).toString('latin1', start, end)
}
const linesOf = (from: number, count: number) => Array.from({ length: count }, (_, at) => lineAt(from + at)).join('')

const append = (prevIndex: number, count: number): Message => ({
  type: 'appendRequest',
  from: 1,
  to: 2,
  term: 3,
  prevIndex,
  prevTerm: 3,
  count,
  entries: [],
  commitIndex: prevIndex,
  round: 1,
})

/** Messages with 0, 1, 2 … entries, as they stand on the wire, and what a reader makes of them. */
const sent = [0, 1, 2, 7, 0, entriesMax].map((count, at) => ({ message: append(100 * at, count), count, at }))
const wire = Buffer.concat(
  sent.map(({ message, count, at }) => encode(message, Buffer.from(linesOf(100 * at + 1, count)))),
)

/** A message in a form that can be compared: the entries as their lines. */
const shown = (message: Message) => {
  if (message.type !== 'appendRequest') return message
  const entries = message.entries.map(({ index, term, bytes, start, end }) => {
    return `${index} ${term} ${Buffer.from(bytes).toString('latin1', start, end)}`
  })
  return { prevIndex: message.prevIndex, count: message.count, entries }
}
const expected = sent.map(({ count, at }) => {
  const indexes = Array.from({ length: count }, (_, place) => 100 * at + 1 + place)
  return { prevIndex: 100 * at, count, entries: indexes.map(index => `${index} 3 ${lineAt(index)}`) }
})

function read(reader: MessageReader, chunks: readonly Buffer[]) {
  return chunks.flatMap(chunk => reader.read(Buffer.from(chunk)).map(shown))
}

t.test('messages are the same wherever the stream is cut', async t => {
  t.same(read(new MessageReader(entriesMax), [wire]), expected)
  for (let cut = 0; cut <= wire.length; cut++) {
    const got = read(new MessageReader(entriesMax), [wire.subarray(0, cut), wire.subarray(cut)])
    if (JSON.stringify(got) !== JSON.stringify(expected)) t.fail(`cut at byte ${cut}`)
  }
  for (const length of [1, 2, 3, 64, 1000]) {
    const chunks = Array.from({ length: Math.ceil(wire.length / length) }, (_, at) =>
      wire.subarray(at * length, (at + 1) * length),
    )
    t.same(read(new MessageReader(entriesMax), chunks), expected, `chunks of ${length} bytes`)
  }
})

t.test('what comes whole is read where it stands, not copied', async t => {
  const reader = new MessageReader(entriesMax)
  for (const time of ['first', 'second']) {
    // In memory of its own, not in Node's pool.
    const chunk = Buffer.from(Uint8Array.from(wire).buffer)
    const buffers = reader.read(chunk).flatMap(message => {
      return message.type === 'appendRequest' ? message.entries.map(({ bytes }) => bytes.buffer) : []
    })
    t.ok(buffers.length > 0 && buffers.every(buffer => buffer === chunk.buffer), `the ${time} chunk`)
  }
})

t.test('what is damaged, too long or without an end is refused', async t => {
  const message = encode(append(0, 3), Buffer.from(linesOf(1, 3)))
  const head = message.indexOf('\n') + 1
  for (let at = head; at < message.length; at++) {
    const damaged = Buffer.from(message)
    damaged[at] = (damaged[at] as number) ^ 1
    try {
      read(new MessageReader(entriesMax), [damaged])
      t.fail(`a bit flipped in byte ${at}`)
    } catch {}
  }
  t.throws(() => read(new MessageReader(1), [encode(append(0, 20), Buffer.from(linesOf(1, 60)))]), /over the limit/)
  t.throws(() => read(new MessageReader(entriesMax), [Buffer.from('not a message\n')]), SyntaxError)
  const endless = new MessageReader(entriesMax)
  t.throws(() => {
    for (let chunk = 0; chunk < 1000; chunk++) endless.read(Buffer.alloc(1000, 'x'))
  }, /without an end/)
})

t.test('what is no message, or not whole, does not come through', async t => {
  const refused = (message: object, why: RegExp, lines = '') => {
    const bytes = Buffer.from(`${JSON.stringify(message)}\n${lines}`)
    t.throws(() => read(new MessageReader(entriesMax), [bytes]), why, bytes.toString('latin1', 0, 80))
  }
  const good = { ...append(0, 0), bytes: 0 }
  t.equal(new MessageReader(entriesMax).read(Buffer.from(`${JSON.stringify(good)}\n`)).length, 1)
  for (const type of [undefined, 'snapshotRequest', 'constructor']) refused({ ...good, type }, /no message is called/)
  for (const name of ['from', 'to', 'term', 'prevIndex', 'prevTerm', 'count', 'commitIndex', 'round', 'bytes']) {
    for (const value of [undefined, null, '1', -1, 0.5, 2 ** 53]) {
      refused({ ...good, [name]: value }, new RegExp(`appendRequest with ${name} `))
    }
  }
  // As long as the message is, so that a reader that goes back by it never ends.
  const length = JSON.stringify({ ...good, bytes: -100 }).length + 1
  refused({ ...good, bytes: -length }, /with bytes/)
  refused({ ...good, count: 1 }, /0 of 1 lines/)
  refused({ ...good, bytes: linesOf(1, 2).length }, /2 of 0 lines/, linesOf(1, 2))
  const { entries, ...rest } = good as typeof good & { entries: unknown }
  t.match(new MessageReader(entriesMax).read(Buffer.from(`${JSON.stringify(rest)}\n`)), [{ entries: [] }])
})

t.test('who is not of this cluster, or speaks to another, is cut off', async t => {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-wire-'))
  const socketOf = (member: number): string => join(data, `${member}.sock`)
  const transport = new UnixTransport({ id: 2, members: [1, 2], entriesPerAppendMax: 1, clock: systemClock, socketOf })
  const received: Message[] = []
  transport.onMessage = message => received.push(message)
  await transport.start()
  t.teardown(async () => {
    await transport.stop()
    await transport.release()
    rmSync(data, { recursive: true })
  })
  const say = async (envelope: { from: number; to: number }): Promise<void> => {
    const socket = connect(socketOf(2))
    socket.resume().end(encode({ ...append(0, 0), ...envelope }, Buffer.alloc(0)))
    await once(socket, 'close')
  }
  for (const envelope of [
    { from: 3, to: 2 },
    { from: 0, to: 2 },
    { from: 2, to: 2 },
    { from: 1, to: 1 },
  ]) {
    await say(envelope)
    t.equal(received.length, 0, `from ${envelope.from} to ${envelope.to}`)
  }
  await say({ from: 1, to: 2 })
  t.match(received, [{ from: 1, to: 2 }])
})

/** Two replicas, of which the second only listens until it is started, too. */
async function two(t: Test) {
  const data = mkdtempSync(join(tmpdir(), 'bazaar-wire-'))
  const socketOf = (member: number): string => join(data, `${member}.sock`)
  const make = (id: number) => {
    const transport = new UnixTransport({ id, members: [1, 2], entriesPerAppendMax: 400, clock: systemClock, socketOf })
    const received: { count: number; lines: string }[] = []
    const connected = new Set<number>()
    const onMessage = (message: Message) => {
      if (message.type !== 'appendRequest') return
      const lines = message.entries.map(({ bytes, start, end }) => Buffer.from(bytes).toString('latin1', start, end))
      received.push({ count: message.count, lines: lines.join('') })
    }
    const start = () => {
      transport.onMessage = onMessage
      transport.onConnected = member => connected.add(member)
      return transport.start()
    }
    return { transport, received, connected, start }
  }
  const [one, other] = [make(1), make(2)]
  t.teardown(async () => {
    for (const { transport } of [one, other]) {
      await transport.stop()
      await transport.release()
    }
    rmSync(data, { recursive: true })
  })
  await other.transport.claim()
  await one.start()
  await eventually('a connection', () => one.connected.has(2))
  return { one, other, socket: socketOf(2) }
}

t.test('what is sent to a replica before it is started is heard then, as far as it is kept', async t => {
  const { one, other } = await two(t)
  const lines = Buffer.from(linesOf(1, 400))
  const sent = Math.ceil((10 << 20) / lines.length)
  for (let message = 0; message < sent; message++) one.transport.send(append(0, 400), lines)
  await other.start()
  await eventually('the last message', () => {
    one.transport.send(append(0, 0), Buffer.alloc(0))
    return other.received.at(-1)?.count === 0
  })
  const received = other.received.filter(({ count }) => count === 400).length
  t.ok(received > 0 && received < sent, `${received} of ${sent}`)
})

t.test('who does not speak the protocol is hung up on', async t => {
  const { other, socket } = await two(t)
  await other.start()
  const stranger = connect(socket)
  stranger.write('not a message\n')
  await once(stranger.resume(), 'close')
  t.strictSame(other.received, [])
})

t.test('long messages that wait for a socket with no room arrive as they were sent', async t => {
  const { one, other } = await two(t)
  await other.start()
  // 1.7 MB at once, of which a socket takes a few hundred kilobytes.
  const counts = Array.from({ length: 40 }, (_, at) => [400, 1, 390][at % 3] as number)
  const texts = [1, 10_001].map(first => ({ first, text: linesOf(first, 400) }))
  for (const round of ['first', 'second']) {
    const expected = counts.map((count, at) => {
      const { first, text } = texts[at % 2] as (typeof texts)[0]
      const last = lineAt(first + count - 1)
      const lines = text.slice(0, text.indexOf(last) + last.length)
      one.transport.send(append(first - 1, count), Buffer.from(lines))
      return { count, lines }
    })
    await eventually('all messages', () => other.received.length === counts.length)
    t.strictSame(other.received.splice(0), expected, `the ${round} time`)
  }
})

import type { Message } from '@bazaar/raft'
import { Cache, type Fetch } from '../../apps/frontend/src/cache.ts'
import { Ledger } from '../../apps/order/src/ledger.ts'
import type { Disk, DiskFile } from '../../apps/order/src/raft-log/disk.ts'
import type { Transport } from '../../apps/order/src/raft-log/transport.ts'
import type { ReplicatedLog } from '../../apps/order/src/replicated-log.ts'
import type { PlantedBug } from './planted-bug.ts'

/** The mistakes that the simulator must find. None of them is in the product: each is put around or in place of a part. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'no fsync': { disk: disk => withFiles(disk, file => ({ sync: async () => void file.size })) },
  'acknowledge before a majority': { transport: sentIsStored },
  'leader is simply the highest id, without a vote': { transport: selfElecting },
  'no key memory': {
    ledger: class extends Ledger {
      override entryOfKey(): null {
        return null
      }
    },
  },
  'a deposed leader still answers': { log: selfAssured, readLog: selfAssured },
  'a cache fill without lease': {
    cache: class extends Cache {
      /** Forgets the changes that were heard of while the product was on its way. */
      protected override mayKeep(name: string, fetch: Fetch, index: number): boolean {
        fetch.floor = fetch.minIndex
        return super.mayKeep(name, fetch, index)
      }
    },
  },
  'a miss answered without ReadIndex': { readLog: log => overriding(log, { barrier: async () => {} }) },
  'a follower acknowledges before its fsync': { disk: eagerFollowerSync },
  'truncation of a committed entry': { disk: cutOnOpen },
  'a start does not look into the ring': {
    disk: disk => withFiles(disk, (_, path) => (path.endsWith('.ring') ? { read: () => Buffer.alloc(0) } : {})),
  },
  'a request for a pre-vote counts as word of the leader': { transport: leaderEcho },
  'a wiped replica votes': {
    recovered: async ({ logFile, stateFile }) => {
      if (logFile.lastIndex === 0) await stateFile.save({ voting: true })
    },
  },
}

/** The object with some of its methods, or what it hears by them, replaced. */
function overriding<T extends object>(original: T, replaced: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      const own = Reflect.get(replaced, name)
      if (own !== undefined) return own
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(name in replaced ? replaced : target, name, value),
  })
}

function withFiles(disk: Disk, change: (file: DiskFile, path: string) => Partial<DiskFile>): Disk {
  return overriding(disk, {
    open: async path => {
      const file = await disk.open(path)
      return overriding(file, change(file, path))
    },
  })
}

/** Takes what was sent to a follower for stored there. */
function sentIsStored(transport: Transport): Transport {
  return overriding(transport, {
    send: (message, lines) => {
      transport.send(message, lines)
      if (message.type !== 'appendRequest' || message.count === 0) return
      const { from: to, to: from, term, prevIndex, count, round } = message
      const acceptance = { accepted: true, matchIndex: prevIndex + count, conflictIndex: 0, conflictTerm: 0, round }
      queueMicrotask(() => transport.onMessage({ type: 'appendResponse', from, to, term, ...acceptance }))
    },
  })
}

/** Once it has begun to lead, takes its word for it that it still does. */
function selfAssured(log: ReplicatedLog): ReplicatedLog {
  let confirmedTerm = 0
  return overriding(log, {
    barrier: async () => {
      const { leading, term } = log.leadership
      if (leading && term === confirmedTerm) return
      await log.barrier()
      confirmedTerm = term
    },
  })
}

/** Counts everybody's vote as given when the highest member asks for it. */
function selfElecting(transport: Transport, id: number, members: number): Transport {
  if (id !== members) return transport
  return overriding(transport, {
    send: (message, lines) => {
      transport.send(message, lines)
      if (message.type !== 'preVoteRequest' && message.type !== 'voteRequest') return
      const { term, to: from, lastIndex } = message
      const type = message.type === 'voteRequest' ? ('voteResponse' as const) : ('preVoteResponse' as const)
      queueMicrotask(() => transport.onMessage({ type, from, to: id, term, granted: true, lastIndex }))
    },
  })
}

/** Whoever is asked for a pre-vote has just heard its leader once more. */
function leaderEcho(transport: Transport): Transport {
  let heard: Message | null = null
  return overriding(transport, {
    set onMessage(hear: Transport['onMessage']) {
      transport.onMessage = message => {
        if (message.type === 'appendRequest') heard = { ...message, count: 0, entries: [] }
        if (message.type === 'preVoteRequest' && heard !== null) hear(heard)
        hear(message)
      }
    },
  })
}

function eagerFollowerSync(disk: Disk, leads: () => boolean): Disk {
  return withFiles(disk, file => ({
    sync: () => {
      const done = file.sync()
      if (leads()) return done
      done?.catch(() => {})
      return Promise.resolve()
    },
  }))
}

/** Recovery that takes the last line of any log for torn. */
function cutOnOpen(disk: Disk): Disk {
  return withFiles(disk, file => {
    const bytes = file.read(0, file.size)
    file.truncate(bytes.lastIndexOf('\n', bytes.length - 2) + 1)
    return {}
  })
}

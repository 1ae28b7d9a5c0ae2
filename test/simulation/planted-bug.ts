import type { Cache } from '../../apps/frontend/src/cache.ts'
import type { Ledger } from '../../apps/order/src/ledger.ts'
import type { Disk } from '../../apps/order/src/raft-log/disk.ts'
import type { LogFile } from '../../apps/order/src/raft-log/log-file.ts'
import type { StateFile } from '../../apps/order/src/raft-log/state-file.ts'
import type { Transport } from '../../apps/order/src/raft-log/transport.ts'
import type { ReplicatedLog } from '../../apps/order/src/replicated-log.ts'

/** Where a bug may be put in: in place of a part, or around one. Without any, the system is as it ships. */
export interface PlantedBug {
  readonly ledger?: typeof Ledger
  /** `leads` says whether the replica leads at the moment. */
  readonly disk?: (disk: Disk, leads: () => boolean) => Disk
  /** After recovery, before the replica joins. */
  readonly recovered?: (files: { logFile: LogFile; stateFile: StateFile }) => Promise<void>
  readonly transport?: (transport: Transport, id: number, members: number) => Transport
  /** As the sequencer sees it. */
  readonly log?: (log: ReplicatedLog) => ReplicatedLog
  /** As order queries see it. */
  readonly readLog?: (log: ReplicatedLog) => ReplicatedLog
  readonly cache?: typeof Cache
}

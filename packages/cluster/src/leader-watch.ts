import { setTimeout as sleep } from 'node:timers/promises'
import type { Notice } from './notice.ts'
import type { ClusterStatus } from './status.ts'

const watchIntervalMs = 500

/** Notices every change of leader, the first included. Returns what ends the watch. */
export function watchLeader(status: () => Promise<ClusterStatus>, onNotice: (notice: Notice) => void): () => void {
  const ended = new AbortController()
  void watch(status, onNotice, ended.signal)
  return () => ended.abort()
}

async function watch(
  status: () => Promise<ClusterStatus>,
  onNotice: (notice: Notice) => void,
  signal: AbortSignal,
): Promise<void> {
  let known: string | null = null
  while (!signal.aborted) {
    const { leader, processes } = await status()
    if (signal.aborted) return
    if (leader !== null && leader !== known) {
      known = leader
      const term = processes.find(process => process.name === leader)?.term ?? 0
      onNotice({ type: 'leader', name: leader, term })
    }
    await sleep(watchIntervalMs, undefined, { signal, ref: false }).catch(() => {})
  }
}

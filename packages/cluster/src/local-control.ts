import { type Control, leaderWaitMs, startTimeoutMs } from './control.ts'
import { ClusterError } from './errors.ts'
import type { ManagedProcess } from './managed-process.ts'
import { type ClusterStatus, leaderAmong, statusOf } from './status.ts'
import type { Supervisor } from './supervisor.ts'
import { until } from './until.ts'

export interface LocalControl extends Control {
  /** The name of the replica that leads; waits up to `leaderWaitMs` for one, then rejects with `NO_LEADER`. */
  leader(): Promise<string>
}

/** The control over the processes of a supervisor in this process. */
export function localControl(url: string, data: string, supervisor: Supervisor): LocalControl {
  const status = async (): Promise<ClusterStatus> => {
    const processes = await statusOf(data, supervisor.processes)
    return { url, data, leader: leaderAmong(processes), processes }
  }
  const leader = async () => {
    const name = await until(async () => {
      const { leader } = await status()
      // Nor would the supervisor's own process end as long as somebody waits.
      if (leader === null && supervisor.closing) throw new ClusterError('NO_LEADER', 'nobody leads: the shop closes')
      return leader
    }, leaderWaitMs)
    if (name === null) throw new ClusterError('NO_LEADER', `no order replica led within ${leaderWaitMs} ms`)
    return name
  }
  const act = async (name: string, action: (process: ManagedProcess) => void | Promise<void>) => {
    const process = supervisor.find(name === 'leader' ? await leader() : name)
    await action(process)
    return process.name
  }
  return {
    status,
    leader,
    kill: (name, { hold = false } = {}) => act(name, process => process.kill(hold)),
    pause: name => act(name, process => process.pause()),
    resume: name => act(name, process => resume(process, supervisor.processes)),
    start: name => act(name, start),
  }
}

/** Names the one that is paused: who paused `leader` finds another under that name by now. */
function resume(process: ManagedProcess, all: readonly ManagedProcess[]): void {
  const paused = all.filter(({ state }) => state === 'paused').map(({ name }) => name)
  if (process.state === 'up' && paused.length > 0) {
    throw new ClusterError('WRONG_STATE', `${process.name} is not paused, but ${paused.join(', ')}`)
  }
  process.resume()
}

async function start(process: ManagedProcess): Promise<void> {
  process.start()
  await until(() => process.state === 'up' || process.staysDown, startTimeoutMs)
  if (process.state === 'up') return
  if (process.staysDown) throw new ClusterError('WRONG_STATE', `${process.name} was stopped before it answered`)
  throw new ClusterError('WRONG_STATE', `${process.name} is ${process.state} ${startTimeoutMs} ms after its start`)
}

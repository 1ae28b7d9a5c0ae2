import { resolve } from 'node:path'
import { socketPath } from '@bazaar/client'
import { type Answer, ask, nobodyListens } from './ask.ts'
import { type Action, actionTimeoutMs, type Control, controlSocket } from './control.ts'
import { ClusterError, type ControlErrorBody } from './errors.ts'
import { shellWord } from './shell-word.ts'
import type { ClusterStatus } from './status.ts'

/**
 * The cluster whose supervisor runs on a data folder. Connects for each question anew; every method rejects with
 * `NOT_RUNNING` when no supervisor answers.
 *
 * @param path The data folder, absolute or relative to the current one.
 */
export function connectCluster(path: string): Control {
  const data = resolve(path)
  const question = (method: 'GET' | 'POST', route: string) => send(data, method, route)
  const act = async (action: Action, name: string, query = ''): Promise<string> => {
    const body = await question('POST', `/processes/${encodeURIComponent(name)}/${action}${query}`)
    return (body as { name: string }).name
  }
  return {
    status: async () => (await question('GET', '/status')) as ClusterStatus,
    kill: (name, { hold = false } = {}) => act('kill', name, hold ? '?hold' : ''),
    pause: name => act('pause', name),
    resume: name => act('resume', name),
    start: name => act('start', name),
  }
}

async function send(data: string, method: 'GET' | 'POST', path: string): Promise<unknown> {
  const { status, body } = await reach(data, method, path)
  if (status === 200) return body
  const foreseen = ClusterError.from(body)
  if (foreseen !== null) throw foreseen
  const words = (body as Partial<ControlErrorBody> | null)?.error?.message ?? 'nothing'
  throw new Error(`the supervisor of ${data} answered ${status} to ${method} ${path} and said: ${words}`)
}

async function reach(data: string, method: 'GET' | 'POST', path: string): Promise<Answer> {
  try {
    return await ask(socketPath(data, controlSocket), path, { method, timeoutMs: actionTimeoutMs })
  } catch (error) {
    if (!nobodyListens(error)) throw error
    throw new ClusterError('NOT_RUNNING', `nothing runs on ${data}; start it with: bazaar up --data ${shellWord(data)}`)
  }
}

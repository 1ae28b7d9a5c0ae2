import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { jsonCrc } from '@bazaar/client'
import { ClusterError } from './errors.ts'

const replicaFolder = /^order-[1-9]$/

/** Makes the data folder if it is not there and returns its absolute path. Throws `DATA_NOT_WRITABLE`. */
export function prepareDataFolder(path: string): string {
  const data = resolve(path)
  try {
    makeFolder(data)
    if (!statSync(data).isDirectory()) throw new Error('it is not a folder')
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new ClusterError('DATA_NOT_WRITABLE', `cannot write to the data folder ${data}: ${(error as Error).message}`)
  }
  return data
}

/**
 * Its name is durable before anything in it counts. Not `recursive`: that goes on for ever where a file system takes no
 * folders, as /proc.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  makeFolder(parent)
  mkdirSync(path, { mode: 0o700 })
  syncFolder(parent)
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * How many replicas the data are of, as each replica notes in its `state.json`, or as their folders tell where that is
 * older than the note; null where there is none yet. The number is decided with the first order: of five, three
 * acknowledge, and a majority of three others might know none of it.
 */
export function replicasOf(data: string): number | null {
  if (statSync(data, { throwIfNoEntry: false })?.isDirectory() !== true) return null
  const folders = readdirSync(data)
    .filter(name => replicaFolder.test(name))
    .sort()
  const states = folders.map(name => join(data, name, 'state.json')).filter(state => existsSync(state))
  const noted = states.map(replicasIn).find(replicas => replicas !== null)
  if (noted !== undefined || states.length === 0) return noted ?? null
  // The last folder may be the one that was lost; their number is odd.
  return Number(folders.at(-1)?.slice(-1)) | 1
}

/** Null where the note is damaged, or there is none: the replica itself looks at it more closely. */
function replicasIn(path: string): number | null {
  try {
    const { replicas, replicasCrc } = JSON.parse(readFileSync(path, 'utf8'))
    return Number.isInteger(replicas) && replicasCrc === jsonCrc(replicas) ? replicas : null
  } catch {
    return null
  }
}

/**
 * The admin token of a data folder: the one in its file `admin-token` (mode 0600), which is made when it is not there,
 * so that it stays the same from one start to the next. Throws `TOKEN_UNUSABLE`.
 */
export function adminTokenOf(data: string): string {
  const path = join(data, 'admin-token')
  const known = existsSync(path) ? readableToken(path) : ''
  if (known !== '') return known
  const token = randomBytes(24).toString('base64url')
  // Synced, and under another name first: a crash leaves the whole file or none.
  rmSync(`${path}.tmp`, { force: true })
  writeFileSync(`${path}.tmp`, `${token}\n`, { mode: 0o600, flush: true, flag: 'wx' })
  renameSync(`${path}.tmp`, path)
  syncFolder(data)
  return token
}

/**
 * On a machine it is read by root in a folder of the services' user: a link there would hand out a file that is none of
 * theirs, and one that is written through would overwrite it.
 */
function readableToken(path: string): string {
  const unusable = (why: string) =>
    new ClusterError('TOKEN_UNUSABLE', `the admin token in ${path} ${why}; without that file another one is made`)
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const token = readFileSync(descriptor, 'utf8').trim()
      if (/^[\x21-\x7e]*$/.test(token)) return token
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw unusable(code === 'ELOOP' ? 'is a link' : `cannot be read: ${message}`)
  }
  throw unusable('is not of visible ASCII characters alone')
}

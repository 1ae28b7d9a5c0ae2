import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClusterError } from './errors.ts'

/** Makes the data folder if it is not there and returns its absolute path. Throws `DATA_NOT_WRITABLE`. */
export function prepareDataFolder(path: string): string {
  const data = resolve(path)
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new ClusterError('DATA_NOT_WRITABLE', `cannot write to the data folder ${data}: ${(error as Error).message}`)
  }
  return data
}

/** A new empty data folder among the system's temporary files; its path is short, as sockets in it need. */
export function temporaryDataFolder(): string {
  return mkdtempSync(join(tmpdir(), 'bazaar-'))
}

/**
 * The admin token of a data folder: the one in its file `admin-token` (mode 0600), which is made when it is not there,
 * so that it stays the same from one start to the next.
 */
export function adminTokenOf(data: string): string {
  const path = join(data, 'admin-token')
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  const token = randomBytes(24).toString('base64url')
  writeFileSync(path, `${token}\n`, { mode: 0o600 })
  chmodSync(path, 0o600)
  return token
}

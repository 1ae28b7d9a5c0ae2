import { resolve } from 'node:path'
import { notEmpty } from './option-values.ts'

/** The option that every command about a running shop has. */
export const dataOption = {
  data: { type: 'string', default: './data', valueHint: 'FOLDER', description: 'where the shop keeps its data' },
} as const

/** The absolute path of the folder that was given. */
export function dataFolder(given: string): string {
  return resolve(notEmpty('data', 'a folder', given))
}

/**
 * The absolute path of the data folder, which becomes the current one: a unix socket's path is limited to 107 bytes, and
 * from within the folder every socket has a short name. A folder that is not there is left to who needs it.
 */
export function enterDataFolder(path: string): string {
  const data = dataFolder(path)
  try {
    process.chdir(data)
  } catch {
    // The command will say what is wrong with it.
  }
  return data
}

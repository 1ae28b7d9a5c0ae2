import { type ExecFileOptions, execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const outputBytesMax = 32 * 1024 * 1024

/** Runs a program to its end and returns what it wrote on standard output. Rejects with all that it said otherwise. */
export async function run(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args], { maxBuffer: outputBytesMax, ...options })
    return String(stdout)
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
    throw new Error([message, stdout, stderr].join('\n').trim(), { cause: error })
  }
}

/** Which of the programs are not on the path. */
export function missing(...programs: string[]): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return programs.filter(program => !folders.some(folder => isExecutable(join(folder, program))))
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

import { writeFileSync } from 'node:fs'

/** Writes to a file, or to standard output when the file is `-`. An error names the file, which the kernel's does not always. */
export function writeOutput(file: string, content: string | Uint8Array): void {
  if (file === '-') {
    process.stdout.write(content)
    return
  }
  try {
    writeFileSync(file, content)
  } catch (error) {
    const failure = error as Error
    failure.message = `${file} cannot be written: ${failure.message}`
    throw failure
  }
}

import { writeFileSync } from 'node:fs'

/** Writes a text to a file, or to standard output when the file is `-`. */
export function writeText(file: string, text: string): void {
  if (file === '-') process.stdout.write(text)
  else writeFileSync(file, text)
}

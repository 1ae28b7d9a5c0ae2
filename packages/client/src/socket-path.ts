import { join, relative } from 'node:path'

/** A unix socket's path has to fit `sun_path` with its closing zero: 108 bytes on Linux (unix(7)). */
export const socketPathBytesMax = 107

/**
 * Where the process `name` (`order-1`, `order-1.peer`, `supervisor`) listens: `<dataFolder>/<name>.sock`, or the same
 * place seen from the current folder when the absolute path is too long. `dataFolder` is absolute.
 *
 * @throws Error when neither form fits `socketPathBytesMax`
 */
export function socketPath(dataFolder: string, name: string): string {
  const absolute = join(dataFolder, `${name}.sock`)
  if (Buffer.byteLength(absolute) <= socketPathBytesMax) return absolute
  const fromHere = relative(process.cwd(), absolute)
  if (Buffer.byteLength(fromHere) <= socketPathBytesMax) return fromHere
  throw new Error(
    `the path of the socket ${absolute} has ${Buffer.byteLength(absolute)} bytes, at most ${socketPathBytesMax} fit: ` +
      'choose a shorter data folder',
  )
}

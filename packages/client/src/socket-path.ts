import { join, relative } from 'node:path'

/** A unix socket's path has to fit `sun_path` with its closing zero: 108 bytes on Linux (unix(7)). */
export const socketPathBytesMax = 107

/** A socket's path that is too long, and what to do about it. */
export class SocketPathError extends Error {
  override readonly name = 'SocketPathError'
}

/**
 * Where the process `name` (`order-1`, `order-1.peer`, `supervisor`) listens: `<dataFolder>/<name>.sock`, or the same
 * place seen from the current folder when the absolute path is too long. `dataFolder` is absolute.
 *
 * @throws SocketPathError when neither form fits `socketPathBytesMax`
 */
export function socketPath(dataFolder: string, name: string): string {
  const absolute = join(dataFolder, `${name}.sock`)
  if (Buffer.byteLength(absolute) <= socketPathBytesMax) return absolute
  const fromHere = relative(process.cwd(), absolute)
  if (Buffer.byteLength(fromHere) <= socketPathBytesMax) return fromHere
  throw new SocketPathError(
    `the path of the socket ${absolute} has ${Buffer.byteLength(absolute)} bytes, at most ${socketPathBytesMax} fit: ` +
      'choose a shorter data folder, or TMPDIR where it is a temporary one',
  )
}

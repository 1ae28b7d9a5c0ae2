/** Whether a line can be written over there. */
export function hasBars(stream: NodeJS.WriteStream, terminal: string | undefined = process.env.TERM): boolean {
  return stream.isTTY && terminal !== 'dumb'
}

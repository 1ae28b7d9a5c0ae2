/** The shop that was to be measured does not answer, or is none. The message names it and the reason. */
export class VenueError extends Error {
  override readonly name = 'VenueError'
}

import type { ErrorBody } from './errors.ts'
import { type Command, type CommandResult, commandsPerRequestMax } from './schemas.ts'

/** Where a replica takes commands, and the protocol to upgrade to there (RFC 9110, 7.8). */
export const commandPath = '/commands'
export const commandProtocol = 'bazaar-commands'
/** The longest line of the protocol: as many commands as there may be, each with all its characters escaped. */
export const commandLineBytesMax = (commandsPerRequestMax + 1) * 4096

/** A line that a replica is sent, as JSON. `id` is the sender's, and comes back with the answer. */
export interface CommandCall {
  id: number
  commands: readonly Command[]
}

/** A line that it answers: a result for each command in their order, or the error of the call as a whole. */
export type CommandAnswer = { id: number; results: CommandResult[]; error?: undefined } | ({ id: number } & ErrorBody)

import type { ErrorBody } from './errors.ts'
import { commandsPerRequestMax } from './schemas.ts'

/** A kind of call: where it is taken, and the protocol to upgrade to there (RFC 9110, 7.8). */
export interface CallKind {
  readonly path: string
  readonly protocol: string
}

/** What a replica of the order service is asked: commands, to each of which the answer has a result, in their order. */
export const commandCalls: CallKind = { path: '/commands', protocol: 'bazaar-commands' }
/** What any replica is asked: the order of a number, or null. */
export const queryCalls: CallKind = { path: '/queries', protocol: 'bazaar-queries' }
/** What a catalog is asked: one product. */
export const lookupCalls: CallKind = { path: '/lookups', protocol: 'bazaar-lookups' }

/** The longest line of the protocols: as many commands as there may be, each with all its characters escaped. */
export const callLineBytesMax = (commandsPerRequestMax + 1) * 4096

/** A line that a process is sent, as JSON. `id` is the sender's, and comes back with the answer. */
export interface CallLine<Asked> {
  id: number
  call: Asked
}

/** A line that it answers: the result of the call, or why there is none. */
export type AnswerLine<Result> = { id: number; result: Result; error?: undefined } | ({ id: number } & ErrorBody)

import { Command, commandCalls, commandsPerRequestMax } from '@bazaar/client/contract'
import { CallServer, checkOf, type Service } from '@bazaar/service'
import Type from 'typebox'
import type { Node } from '../node.ts'

const Commands = Type.Array(Command, { minItems: 1, maxItems: commandsPerRequestMax })
const checkCommands = checkOf(Commands, 'the list of commands')

/** What front-ends and catalogs ask of the leader, as lines on a connection upgraded at `/commands`. */
export function commandRoutes(app: Service, { sequencer }: Node): void {
  const execute = async (asked: unknown) => sequencer.execute(checkCommands(asked))
  const server = new CallServer(app.server, commandCalls, execute, error => app.log.error(error))
  app.addHook('preClose', async () => server.stop())
}

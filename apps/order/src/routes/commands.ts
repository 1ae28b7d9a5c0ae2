import { BazaarError, Command, commandsPerRequestMax } from '@bazaar/client'
import { CommandServer, type Service } from '@bazaar/service'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Node } from '../node.ts'

const commands = Compile(Type.Array(Command, { minItems: 1, maxItems: commandsPerRequestMax }))

/** What front-ends and catalogs ask of the leader, as lines on a connection upgraded at `/commands`. */
export function commandRoutes(app: Service, { sequencer }: Node): void {
  const execute = async (asked: unknown) => {
    if (!commands.Check(asked)) throw new BazaarError('INVALID', explain(asked))
    return sequencer.execute(asked)
  }
  const server = new CommandServer(app.server, execute, error => app.log.error(error))
  app.addHook('preClose', async () => server.stop())
}

function explain(asked: unknown): string {
  const [first] = commands.Errors(asked)
  const place = first?.instancePath || 'the message'
  return `${place} ${first?.message ?? 'is not a list of commands'}`
}

import { BazaarError, Command, commandsPerRequestMax } from '@bazaar/client'
import type { Service } from '@bazaar/service'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Node } from '../node.ts'

const commands = Compile(Type.Array(Command, { minItems: 1, maxItems: commandsPerRequestMax }))

/** `POST /commands`: what front-ends and catalogs ask of the leader. */
export function commandRoutes(app: Service, { sequencer }: Node): void {
  app.post('/commands', async (request, reply) => {
    const { body } = request
    if (!commands.Check(body)) throw new BazaarError('INVALID', explain(body))
    const results = await sequencer.execute(body)
    reply.type('application/json; charset=utf-8')
    return JSON.stringify(results)
  })
}

function explain(body: unknown): string {
  const [first] = commands.Errors(body)
  const place = first?.instancePath || 'the body'
  return `${place} ${first?.message ?? 'is not a list of commands'}`
}

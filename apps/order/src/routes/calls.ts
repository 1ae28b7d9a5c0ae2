import { Command, commandCalls, commandsPerRequestMax, queryCalls } from '@bazaar/client/contract'
import { CallServer, checkOf, type Service } from '@bazaar/service'
import Type from 'typebox'
import type { Node } from '../node.ts'
import { OrderReader } from '../order-reader.ts'

const Commands = Type.Array(Command, { minItems: 1, maxItems: commandsPerRequestMax })
const checkCommands = checkOf(Commands, 'the list of commands')
const OrderNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const checkNumber = checkOf(OrderNumber, "the order's number")

/**
 * What front-ends and catalogs ask of a replica, as lines on connections upgraded at `/commands`, of the leader alone, and
 * at `/queries`, of any.
 */
export function callRoutes(app: Service, { sequencer, log, ledger }: Node): void {
  const reader = new OrderReader(log, ledger)
  const served = [
    { kind: commandCalls, execute: async (asked: unknown) => sequencer.execute(checkCommands(asked)) },
    { kind: queryCalls, execute: async (asked: unknown) => reader.read(checkNumber(asked)) },
  ]
  const server = new CallServer(app.server, served, error => app.log.error(error))
  app.addHook('preClose', async () => server.stop())
}

import { BazaarError, type Order } from '@bazaar/client'
import type { Service } from '@bazaar/service'
import Type from 'typebox'
import type { Node } from '../node.ts'

const Params = Type.Object({ number: Type.String({ pattern: '^[1-9][0-9]{0,15}$' }) })

/**
 * `GET /orders/:number`. A committed order never changes, so any replica answers it. That there is none only the leader
 * can say, after a majority has confirmed that it leads.
 */
export function orderRoutes(app: Service, { log, ledger }: Node): void {
  const find = (number: number): { order: Order } | null => {
    const found = ledger.order(number)
    return found && { order: found.order }
  }
  app.get('/orders/:number', { schema: { params: Params } }, async request => {
    const number = Number(request.params.number)
    const found = find(number)
    if (found !== null) return found
    await log.barrier()
    const confirmed = find(number)
    if (confirmed === null) throw new BazaarError('ORDER_NOT_FOUND', `there is no order ${number}`)
    return confirmed
  })
}

import { BazaarError } from '@bazaar/client/contract'
import type { Service } from '@bazaar/service'
import Type from 'typebox'
import type { Node } from '../node.ts'
import { readOrder } from '../read-order.ts'

const Params = Type.Object({ number: Type.String({ pattern: '^[1-9][0-9]{0,15}$' }) })

/** `GET /orders/:number`. */
export function orderRoutes(app: Service, { log, ledger }: Node): void {
  app.get('/orders/:number', { schema: { params: Params } }, async request => {
    const number = Number(request.params.number)
    const order = await readOrder(log, ledger, number)
    if (order === null) throw new BazaarError('ORDER_NOT_FOUND', `there is no order ${number}`)
    return { order }
  })
}

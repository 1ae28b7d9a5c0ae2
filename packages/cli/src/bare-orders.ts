import { connect, type Socket } from 'node:net'
import { callLineBytesMax, commandsPerRequestMax, LineSplitter, type OrderRequest } from '@bazaar/client'
import type { BareOrder } from './bare-order.ts'

interface Waiting {
  request: OrderRequest
  resolve: (order: BareOrder) => void
}

/**
 * The first hop of the bare chain: as in the front-end, the orders that come while a line of them is on its way travel
 * together in the next. There are no keys, no time-outs and no retries.
 */
export class BareOrders {
  readonly #next: Socket
  #waiting: Waiting[] = []
  #underWay: Waiting[] = []

  /** @param path where the process listens that takes them */
  constructor(path: string) {
    const splitter = new LineSplitter(callLineBytesMax)
    this.#next = connect(path)
    this.#next.on('data', chunk => {
      for (const line of splitter.push(chunk)) this.#answer(JSON.parse(line))
    })
  }

  place(request: OrderRequest): Promise<BareOrder> {
    return new Promise(resolve => {
      this.#waiting.push({ request, resolve })
      this.#send()
    })
  }

  #send(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return
    this.#underWay = this.#waiting.splice(0, commandsPerRequestMax)
    this.#next.write(`${JSON.stringify(this.#underWay.map(({ request }) => request))}\n`)
  }

  #answer(orders: readonly BareOrder[]): void {
    for (const [place, { resolve }] of this.#underWay.splice(0).entries()) resolve(orders[place] as BareOrder)
    this.#send()
  }
}

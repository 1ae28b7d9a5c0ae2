import type { Order } from '@bazaar/client'
import type { InitialProducts, OrderOperation } from '@bazaar/linearizability'
import { seeded } from './random.ts'

export const products: InitialProducts = ['Tux', 'Duke', 'Gopher'].map((name, at) => ({
  name,
  price: at + 1,
  quantity: 40,
}))

interface Plan {
  readonly client: string
  readonly invoked: number
  readonly effect: number
  readonly returned: number
  readonly answered: boolean
}

/**
 * A history that is linearizable because a shop made it that did one thing at a time: each of `clients` calls one after
 * the other; every call takes effect at some moment between its call and its return, unless it loses its answer, when
 * it takes effect later or never. At the end every order is read back.
 */
export function linearizableHistory(
  seed: number,
  length: number,
  clients: number,
  answerless = 0.03,
): OrderOperation[] {
  const random = seeded(seed)
  const plans: Plan[] = []
  const freeAt = Array.from({ length: clients }, () => random() * 10)
  for (let at = 0; at < length; at++) {
    const client = Math.floor(random() * clients)
    const invoked = freeAt[client] as number
    const returned = invoked + random() * 10
    const answered = random() >= answerless
    const effect = answered ? invoked + random() * (returned - invoked) : invoked + random() * 60
    freeAt[client] = returned + random() * 3
    plans.push({ client: `client-${client}`, invoked, effect, returned, answered })
  }
  const shop = new Shop(random)
  const history = plans.sort((a, b) => a.effect - b.effect).map((plan, at) => shop.run(plan, at))
  const end = Math.max(...plans.map(plan => Math.max(plan.returned, plan.effect))) + 1
  return [...history, ...shop.orders.map((order, at) => readBack(order, end + at))]
}

function readBack(order: Order, invoked: number): OrderOperation {
  return { type: 'query', client: 'reader', number: order.number, invoked, returned: invoked + 0.5, outcome: { order } }
}

class Shop {
  readonly orders: Order[] = []
  readonly #stocked = new Map(products.map(({ name, price, quantity }) => [name, { price, quantity }]))
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  run({ client, invoked, returned, answered }: Plan, at: number): OrderOperation {
    const random = this.#random
    const call = { client, invoked, returned: answered ? returned : null }
    const name = (products[Math.floor(random() * products.length)] as { name: string }).name
    const draw = random()
    const key = `key-${at}`
    if (draw < 0.3) {
      const number = 1 + Math.floor(random() * (this.orders.length + 2))
      return { type: 'query', ...call, number, outcome: answered ? { order: this.orders[number - 1] ?? null } : null }
    }
    const stocked = this.#stocked.get(name) as { price: number; quantity: number }
    if (draw < 0.33) {
      stocked.quantity += 15
      return { type: 'stock', ...call, key, name, quantity: 15, outcome: answered ? { done: true } : null }
    }
    if (draw < 0.35) {
      stocked.price += 1
      return { type: 'price', ...call, key, name, price: stocked.price, outcome: answered ? { done: true } : null }
    }
    const side = draw < 0.45 ? 'sell' : 'buy'
    const quantity = 1 + Math.floor(random() * 4)
    const happens = answered || random() < 0.5
    const outcome = happens ? this.#order(name, side, quantity) : null
    return { type: 'order', ...call, key, name, side, quantity, outcome: answered ? outcome : null }
  }

  #order(name: string, type: 'buy' | 'sell', quantity: number): { order: Order } | { refused: 'OUT_OF_STOCK' } {
    const stocked = this.#stocked.get(name) as { price: number; quantity: number }
    if (type === 'buy' && stocked.quantity < quantity) return { refused: 'OUT_OF_STOCK' }
    stocked.quantity += type === 'buy' ? -quantity : quantity
    const order: Order = { number: this.orders.length + 1, name, type, quantity, price: stocked.price }
    this.orders.push(order)
    return { order }
  }
}

import {
  type Accepted,
  BazaarError,
  type Command,
  encodeFact,
  type LogEntry,
  type Product,
} from '@bazaar/client/contract'
import { type Ledger, orderOf } from './ledger.ts'
import type { Stocked } from './stock-table.ts'

/**
 * What the judge says of a command:
 * - `accept`: append this fact; `result` gives the answer for the index it gets.
 * - `answer`: a committed entry already says it; may be sent at once.
 * - `join`: the batch has a command with this key already: judge again when it is applied.
 * - `confirm`, `refuse`: nothing is appended, but the answer holds only if this replica still leads and what is on its
 *   way is committed.
 */
export type Verdict =
  | { type: 'accept'; fact: string; result: (index: number) => Accepted }
  | { type: 'answer'; result: Accepted }
  | { type: 'join' }
  | { type: 'confirm'; result: (appliedIndex: number) => Accepted }
  | { type: 'refuse'; refusal: BazaarError }

/**
 * Decides the commands of one batch, in their order, against what is applied plus what the batch has accepted so far: the
 * one place where stock, order number, price and key are decided. Nothing else may be in flight meanwhile.
 *
 * Each batch has a judge of its own. One for all, whose maps are filled and emptied again and again, would make V8 link
 * each of their tables to the next: the first that got old keeps all that follow, with their commands, from being
 * collected young.
 */
export class Judge {
  readonly #ledger: Ledger
  readonly #products = new Map<string, Stocked>()
  readonly #keys = new Map<string, Command>()
  #orders = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  judge(command: Command): Verdict {
    const earlier = this.#keys.get(command.key)
    if (earlier !== undefined) {
      return sameCommand(command, earlier) ? { type: 'join' } : refuse(keyReused(command.key))
    }
    const entry = this.#ledger.entryOfKey(command.key)
    if (entry !== null) return this.#repeat(command, entry)
    switch (command.type) {
      case 'buy':
      case 'sell':
        return this.#judgeOrder(command)
      case 'product':
        return this.#judgeProduct(command)
      case 'stock':
      case 'restock':
        return this.#judgeStock(command)
      case 'seeded':
        return this.#ledger.seeded ? confirm() : this.#accept(command, { type: 'seeded', key: command.key }, {})
    }
  }

  /** The key is in the log. The same command gets the same answer; products are shown as they are by now. */
  #repeat(command: Command, entry: Exclude<LogEntry, { type: 'noop' }>): Verdict {
    if (!recordsCommand(entry, command)) return refuse(keyReused(command.key))
    const { index } = entry
    const order = orderOf(entry)
    if (order !== null) return { type: 'answer', result: { index, order } }
    const product = 'name' in entry ? this.#committed(entry.name) : null
    return { type: 'answer', result: product === null ? { index } : { index: this.#ledger.appliedIndex, product } }
  }

  #judgeOrder({ type, key, name, quantity }: Command & { type: 'buy' | 'sell' }): Verdict {
    const product = this.#current(name)
    if (product === null) return refuse(productNotFound(name))
    if (type === 'buy' && product.quantity < quantity) return refuse(outOfStock(name, quantity, product.quantity))
    const number = this.#ledger.orders + this.#orders + 1
    const { price } = product
    this.#orders++
    const stock = product.quantity + (type === 'buy' ? -quantity : quantity)
    this.#products.set(name, { price, quantity: stock })
    const order = { number, name, type, quantity, price }
    return this.#accept({ type, key, name, quantity }, { type, number, name, quantity, price, key }, { order, stock })
  }

  #judgeProduct(command: Command & { type: 'product' }): Verdict {
    const { name, price, quantity, key } = command
    const known = this.#current(name)
    if (known !== null && quantity !== undefined) return confirm(() => this.#committed(name))
    const product = { price, quantity: known?.quantity ?? quantity ?? 0 }
    this.#products.set(name, product)
    const fact = { type: 'product' as const, name, price, ...(quantity === undefined ? {} : { quantity }), key }
    return this.#accept(command, fact, { product: { name, ...product } })
  }

  #judgeStock(command: Command & { type: 'stock' | 'restock' }): Verdict {
    const { type, name, quantity, key } = command
    const known = this.#current(name)
    if (known === null) return refuse(productNotFound(name))
    if (type === 'restock' && known.quantity > 0) return confirm(() => this.#committed(name))
    const product = { price: known.price, quantity: known.quantity + quantity }
    this.#products.set(name, product)
    return this.#accept(command, { type: 'stock', name, quantity, key }, { product: { name, ...product } })
  }

  #accept(command: Command, fact: Parameters<typeof encodeFact>[0], rest: Omit<Accepted, 'index'>): Verdict {
    this.#keys.set(command.key, command)
    return { type: 'accept', fact: encodeFact(fact), result: index => ({ index, ...rest }) }
  }

  #current(name: string): Readonly<Stocked> | null {
    return this.#products.get(name) ?? this.#ledger.product(name)
  }

  #committed(name: string): Product | null {
    const stocked = this.#ledger.product(name)
    return stocked === null ? null : { name, price: stocked.price, quantity: stocked.quantity }
  }
}

function refuse(refusal: BazaarError): Verdict {
  return { type: 'refuse', refusal }
}

function confirm(product: () => Product | null = () => null): Verdict {
  return {
    type: 'confirm',
    result: index => {
      const shown = product()
      return shown === null ? { index } : { index, product: shown }
    },
  }
}

function sameCommand(one: Command, other: Command): boolean {
  const { type, name, quantity, price } = one as Record<string, unknown>
  const that = other as Record<string, unknown>
  return type === that.type && name === that.name && quantity === that.quantity && price === that.price
}

/** Whether the entry is what the command would have made. */
function recordsCommand(entry: Exclude<LogEntry, { type: 'noop' }>, command: Command): boolean {
  if (command.type === 'restock') return entry.type === 'stock' && sameCommand({ ...command, type: 'stock' }, entry)
  if (entry.type === 'product') return sameCommand(command, entry)
  const { price: _, ...rest } = entry as LogEntry & { price?: number }
  return sameCommand(command, rest as Command)
}

function outOfStock(name: string, asked: number, stock: number): BazaarError {
  return new BazaarError('OUT_OF_STOCK', `${name}: ${asked} asked, ${stock} in stock`)
}

function productNotFound(name: string): BazaarError {
  return new BazaarError('PRODUCT_NOT_FOUND', `there is no product named ${JSON.stringify(name)}`)
}

function keyReused(key: string): BazaarError {
  return new BazaarError('KEY_REUSED', `the idempotency key ${key} was used with another request`)
}

import { alsoRefused, mergeAttempts } from './attempts.ts'
import { check } from './check.ts'
import { type KnownOrders, knownOrders } from './known-orders.ts'
import type { InitialProducts, OrderOperation } from './order-operation.ts'
import { ShopModel } from './shop.ts'
import type { PlacedChange } from './slots.ts'
import { type Bounds, defaultBounds, type Verdict } from './types.ts'

/**
 * I4: is the history of orders and order queries, refusals and misses included, linearizable? It must hold everything
 * that changed stock or prices after `products` was true.
 *
 * First one history per product (Horn & Kroening, "Faster linearizability checking via P-compositionality", 2015): small,
 * so a counterexample is short. But order numbers tie the products together, so the whole history is checked too.
 * The more orders were read back, the less is left to guess; with all of them the search takes linear time.
 */
export function checkOrders(
  products: InitialProducts,
  history: readonly OrderOperation[],
  bounds: Bounds = defaultBounds,
): Verdict {
  const known = knownOrders(history)
  if (typeof known === 'string') return { ok: false, undecided: false, explanation: known }
  const merged = mergeAttempts(history)
  const changes = merged.filter(isPlaced)
  const refused = alsoRefused(merged)
  for (const [name, part] of byProduct(merged, known)) {
    const verdict = check(new ShopModel(products, known, changes, refused, name), part, bounds)
    // A part that cannot be decided may still be: the whole history leaves less to guess about numbers.
    if (!verdict.ok && !verdict.undecided) return { ...verdict, explanation: `${name}: ${verdict.explanation}` }
  }
  return check(new ShopModel(products, known, changes, refused, null), merged, bounds)
}

/** The operations by product. A miss of a number that nobody ever saw belongs to no product. */
function byProduct(history: readonly OrderOperation[], known: KnownOrders): Map<string, OrderOperation[]> {
  const parts = new Map<string, OrderOperation[]>()
  for (const operation of history) {
    const name = operation.type === 'query' ? known.orders.get(operation.number)?.name : operation.name
    if (name === undefined) continue
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [operation])
    else part.push(operation)
  }
  return parts
}

function isPlaced(operation: OrderOperation): operation is PlacedChange {
  return (operation.type === 'stock' || operation.type === 'price') && operation.after !== undefined
}

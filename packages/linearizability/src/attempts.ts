import type { OrderOperation, OrderQuery } from './order-operation.ts'

/**
 * Turns the attempts of each key into operations that the model knows, because a key takes effect at most once (I2):
 * the answer that came first is the effect, somewhere between the first call that may have caused it and that answer.
 * Later answers say nothing that this does not, as long as they have the same order (`knownOrders` sees to that), and
 * attempts without an answer are then explained too. If no attempt got an answer, all of them are one operation without
 * an answer. A refusal stands for itself: it is not remembered, so a later attempt may succeed. So does each restock:
 * one that did nothing may do something when it is repeated.
 */
export function mergeAttempts(history: readonly OrderOperation[]): OrderOperation[] {
  const merged: OrderOperation[] = []
  const byKey = new Map<string, Keyed[]>()
  for (const operation of history) {
    if (operation.type === 'query') {
      if (operation.outcome !== null) merged.push(operation)
    } else if (operation.type === 'restock' || isRefused(operation)) merged.push(operation)
    else {
      const attempts = byKey.get(operation.key)
      if (attempts === undefined) byKey.set(operation.key, [operation])
      else attempts.push(operation)
    }
  }
  for (const attempts of byKey.values()) merged.push(mergeKey(attempts))
  return merged
}

/** The keys that were refused and that an order was, or may have been, made under as well. */
export function alsoRefused(merged: readonly OrderOperation[]): ReadonlySet<string> {
  const orders = merged.filter(operation => operation.type === 'order')
  const refused = new Set(orders.filter(isRefused).map(({ key }) => key))
  return new Set(orders.flatMap(order => (!isRefused(order) && refused.has(order.key) ? order.key : [])))
}

type Keyed = Exclude<OrderOperation, OrderQuery>

function isRefused({ outcome }: OrderOperation): boolean {
  return outcome !== null && 'refused' in outcome
}

function mergeKey(attempts: readonly Keyed[]): Keyed {
  const invoked = Math.min(...attempts.map(attempt => attempt.invoked))
  const returned = Math.min(...attempts.map(attempt => attempt.returned ?? Number.POSITIVE_INFINITY))
  const effect = attempts.find(attempt => attempt.returned === returned) ?? (attempts[0] as Keyed)
  return { ...effect, invoked }
}

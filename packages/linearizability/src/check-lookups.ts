import type { LogEntry, Product } from '@bazaar/client'
import type { Verdict } from './types.ts'
import { ProductVersions } from './versions.ts'

/** One product in the answer of a look-up; null: there is no such product. Times share the orders' clock. */
export interface Lookup {
  readonly frontend: string
  readonly name: string
  readonly invoked: number
  readonly returned: number
  readonly product: Product | null
}

/** An order that was acknowledged through a front-end. */
export interface Acknowledgement {
  readonly frontend: string
  readonly name: string
  readonly number: number
  /** When the first attempt with the order's key began. */
  readonly invoked: number
  readonly returned: number
}

/**
 * I7: a look-up never shows a state of its product older than an order of it that was acknowledged before through the
 * same front-end, and never goes back in time there. `log` is the committed log; it says which states there were.
 *
 * Each look-up is given the oldest state that it may have shown. As that hinders the later ones least, a look-up that
 * finds none is wrong.
 */
export function checkLookups(
  log: readonly LogEntry[],
  lookups: readonly Lookup[],
  acknowledgements: readonly Acknowledgement[],
): Verdict {
  const versions = new ProductVersions(log, acknowledgements)
  const acknowledged = Map.groupBy(acknowledgements, place)
  for (const [at, group] of Map.groupBy(lookups, place)) {
    const explanation = checkPlace(versions, group, acknowledged.get(at) ?? [])
    if (explanation !== null) return { ok: false, undecided: false, explanation }
  }
  return { ok: true }
}

/** A product as seen through one front-end. */
function place({ frontend, name }: { frontend: string; name: string }): string {
  return `${frontend} ${name}`
}

interface Seen {
  readonly returned: number
  index: number
  readonly what: string
}

/** The look-ups of one product through one front-end; null or what is wrong. */
function checkPlace(
  versions: ProductVersions,
  lookups: readonly Lookup[],
  acknowledgements: readonly Acknowledgement[],
): string | null {
  const seenOf = new Map(
    lookups.map(lookup => [lookup, { returned: lookup.returned, index: 0, what: describe(lookup) }]),
  )
  const seen: Seen[] = acknowledgements.map(({ number, returned }) => {
    return { returned, index: versions.indexOfOrder(number), what: `order ${number}, acknowledged at ${returned}` }
  })
  seen.push(...seenOf.values())
  seen.sort((a, b) => a.returned - b.returned)
  let before = 0
  let newest: Seen = { returned: 0, index: 0, what: 'the start' }
  for (const lookup of lookups.toSorted((a, b) => a.invoked - b.invoked)) {
    // Whatever returned before this call was invoked before it too, so its state is known by now.
    for (let next = seen[before]; next !== undefined && next.returned < lookup.invoked; next = seen[++before]) {
      if (next.index > newest.index) newest = next
    }
    const index = versions.oldestShowing(lookup, newest.index)
    if (index === null)
      return `${describe(lookup)}: no state from log index ${newest.index} on (${newest.what}) shows that`
    ;(seenOf.get(lookup) as Seen).index = index
  }
  return null
}

function describe({ frontend, name, invoked, returned, product }: Lookup): string {
  const shown = product === null ? 'nothing' : `${product.quantity} at ${product.price}`
  return `${frontend} ${invoked}–${returned}: look-up of ${name} showed ${shown}`
}

import type { Acknowledgement, Lookup, OrderOperation } from '@bazaar/linearizability'

/** An order that a client was told it has, and when, in ms of `performance.now`. */
export type Acknowledged = Acknowledgement & {
  order: { number: number; name: string; type: 'buy' | 'sell'; quantity: number; price: number }
  key: string
}

/** All that the clients of a chaos run saw. */
export interface ChaosRecord {
  operations: OrderOperation[]
  lookups: Lookup[]
  acknowledged: Acknowledged[]
  /** Requests sent. */
  requests: number
  /** Requests that the clients noticed: an error that is no refusal, or no answer. */
  failed: number
  /** Requests sent again, with the same key: the front-end was down, or the disk was full. */
  retried: number
  /** The first few failures, for people. */
  failures: string[]
}

export const failuresMax = 10

/** A record in which nothing has happened yet. */
export function newChaosRecord(): ChaosRecord {
  return { operations: [], lookups: [], acknowledged: [], requests: 0, failed: 0, retried: 0, failures: [] }
}

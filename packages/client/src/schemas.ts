import Type, { type Static } from 'typebox'

/** Bounds of what a client may send. */
export const quantityMax = 1_000_000
export const priceMax = 1_000_000
export const nameLengthMax = 64
export const keyLengthMax = 255
export const bodyBytesMax = 16 * 1024
/** Commands in one request from a front-end or catalog to the order leader. */
export const commandsPerRequestMax = 1024

const strict = { additionalProperties: false } as const

/** 1–64 characters; no control character, no lone surrogate (it has no UTF-8 form), no `/` (it would not fit a path). */
export const Name = Type.String({
  pattern: `^[^\\p{Cc}\\p{Cs}/]{1,${nameLengthMax}}$`,
  description: `1–${nameLengthMax} characters without control characters or /`,
})
export const Quantity = Type.Integer({ minimum: 1, maximum: quantityMax })
/** In the shop's currency, e.g. 25.99. */
export const Price = Type.Number({ minimum: 0, maximum: priceMax })
const Side = Type.Union([Type.Literal('buy'), Type.Literal('sell')])
/**
 * A client's idempotency key (draft-ietf-httpapi-idempotency-key-header), or one of the shop's own, which has a space in
 * it, so that no client can take it.
 */
const Key = Type.String({
  pattern: `^[\\x20-\\x7e]{1,${keyLengthMax}}$`,
  description: `1–${keyLengthMax} printable ASCII characters`,
})
const Index = Type.Integer({ minimum: 0 })

/** A product as look-ups show it; `quantity` is the stock in units. */
export interface Product {
  name: string
  price: number
  quantity: number
}

/** What a front-end asks of a catalog: a product as it is once the log is applied up to `index`, at least. */
export const Lookup = Type.Object({ name: Name, index: Index }, strict)
export type Lookup = Static<typeof Lookup>

/** What a look-up saw, and the log index at which it saw it. */
export interface Reading<T> {
  index: number
  data: T
}

/** The body of the public `POST /orders`. */
export const OrderRequest = Type.Object({ name: Name, quantity: Quantity, type: Type.Optional(Side) }, strict)
export type OrderRequest = Static<typeof OrderRequest>

/** An accepted order. Immutable; `price` is a unit's price when it was accepted. */
export interface Order {
  number: number
  name: string
  type: 'buy' | 'sell'
  quantity: number
  price: number
}

/** The body of the public `PUT /products/:name` and `POST /products/:name/stock`. */
export const PriceRequest = Type.Object({ price: Price }, strict)
export const StockRequest = Type.Object({ quantity: Quantity }, strict)

/**
 * What a front-end or a catalog asks of the order leader. Every command carries an idempotency key: the same key and
 * command give the same result, however often and to whichever replica it is sent.
 *
 * - `buy`, `sell`: an order.
 * - `product`: create or reprice. With `quantity` it only creates, with that stock, and leaves an existing product as it is.
 * - `stock`: add `quantity`.
 * - `restock`: if nothing is left, bring the stock to `quantity`; otherwise nothing happens.
 * - `seeded`: note that the default products are in the log.
 */
export const Command = Type.Union([
  Type.Object({ type: Side, key: Key, name: Name, quantity: Quantity }, strict),
  Type.Object(
    {
      type: Type.Literal('product'),
      key: Key,
      name: Name,
      price: Price,
      quantity: Type.Optional(Type.Integer({ minimum: 0, maximum: quantityMax })),
    },
    strict,
  ),
  Type.Object({ type: Type.Literal('stock'), key: Key, name: Name, quantity: Quantity }, strict),
  Type.Object({ type: Type.Literal('restock'), key: Key, name: Name, quantity: Quantity }, strict),
  Type.Object({ type: Type.Literal('seeded'), key: Key }, strict),
])
export type Command = Static<typeof Command>

/**
 * What became of one command. `index` is the log index that a later look-up must have applied to show it;
 * `order` comes with `buy` and `sell`, with the product's `stock` at that index unless the key is a repeated one;
 * `product` (its state at that index) comes with `product`, `stock` and `restock`.
 */
export type CommandResult =
  | Accepted
  | { error: { code: number; reason: import('./errors.ts').ErrorReason; message: string } }
/** The result of a command that was accepted. */
export type Accepted = { index: number; order?: Order; stock?: number; product?: Product; error?: undefined }

/**
 * One line of `log.jsonl` and of `GET /log?after=N`. `crc` is the CRC-32 (IEEE, 8 hex digits) of all bytes of the line
 * before `,"crc":`. Lines are ASCII (other characters are escaped), so lengths in characters and in bytes agree.
 *
 * - `noop`: a new leader's first entry.
 * - `product`: the product has this price; if it is new, it starts with stock `quantity` (0 when absent).
 * - `stock`: `quantity` units were added.
 * - `buy`, `sell`: an accepted order.
 * - `seeded`: the default products are in.
 */
export type LogEntry = { index: number; term: number } & Fact
export type Fact =
  | { type: 'noop' }
  | { type: 'seeded'; key: string }
  | { type: 'product'; name: string; price: number; quantity?: number; key: string }
  | { type: 'stock'; name: string; quantity: number; key: string }
  | { type: 'buy' | 'sell'; number: number; name: string; quantity: number; price: number; key: string }

/** `GET /status` of an order replica. Indexes count log entries. */
export interface OrderStatus {
  name: string
  role: 'leader' | 'follower' | 'candidate' | 'learner'
  term: number
  leader: string | null
  lastIndex: number
  commitIndex: number
  appliedIndex: number
  orders: number
  diskFull: boolean
  rssMiB: number
}

/** `GET /status` of a catalog. */
export interface CatalogStatus {
  name: string
  appliedIndex: number
  products: number
  /** It has caught up with the log, and the log has the products that the store opens with. */
  ready: boolean
  /** The replica whose log it follows, or null while it looks for one. */
  following: string | null
  rssMiB: number
}

/** `GET /status` of a front-end, on its internal socket. */
export interface FrontendStatus {
  name: string
  leader: string | null
  cache: { entriesMax: number; entries: number; hits: number; misses: number; hitRatio: number; feed: 'up' | 'down' }
  rssMiB: number
}

/** One line of a catalog's `GET /changes`: the product changed at this index; without a name it is a heartbeat. */
export interface Change {
  index: number
  name?: string
}

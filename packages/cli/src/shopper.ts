import { BazaarError, type Order, type OrderRequest, type Product } from '@bazaar/client'
import { Client, type Dispatcher, errors } from 'undici'

/** What one client of the shop can do. The workloads know nothing else, so tests can give them a shop of their own. */
export interface Shopper {
  /** All products, in the shop's order. */
  products(): Promise<Product[]>
  /** Looks a product up. Throws `BazaarError` `PRODUCT_NOT_FOUND`. */
  lookUp(name: string): Promise<LookUp>
  /** Orders under an idempotency key. Throws `BazaarError`, e.g. `OUT_OF_STOCK`. */
  order(request: OrderRequest, key: string): Promise<Order>
  /** Reads an order back. Throws `BazaarError` `ORDER_NOT_FOUND`. */
  findOrder(number: number): Promise<Order>
  close(): Promise<void>
}

/** Orders one unit; null when the shop says that none is left. Throws when it answers with an order of something else. */
export async function orderOne(shopper: Pick<Shopper, 'order'>, name: string, key: string): Promise<Order | null> {
  const asked = { name, quantity: 1, type: 'buy' } as const
  try {
    const order = await shopper.order(asked, key)
    // One that is wrong from the start reads back as it was acknowledged.
    if (what(order) === what(asked)) return order
    throw new Error(`asked for ${what(asked)}, answered order ${order.number}: ${what(order)}`)
  } catch (error) {
    if (error instanceof BazaarError && error.reason === 'OUT_OF_STOCK') return null
    throw error
  }
}

const what = ({ type, quantity, name }: Pick<Order, 'type' | 'quantity' | 'name'>): string =>
  `${type} ${quantity} ${name}`

interface LookUp {
  product: Product
  /** Whether the front-end's cache had it (`Cache-Status`, RFC 9211); null when the answer does not say. */
  hit: boolean | null
}

/** Longer than the shop's own deadline for an order (10 s) plus a second: a request that reaches it has hung. */
const requestTimeoutMs = 15_000
const connectTimeoutMs = 5_000

/**
 * A client with one connection of its own and no retries, so that each of its times is that of one HTTP request.
 *
 * @param url where the front-end listens, e.g. `http://127.0.0.1:8080`
 * @param timeoutMs how long the shop may be silent before a request fails
 * @returns errors of the shop are thrown as `BazaarError`, silence as an `Error` that names the request, and what else
 *   goes wrong on the network as undici gives it
 */
export function httpShopper(url: string, timeoutMs = requestTimeoutMs): Shopper {
  const client = new Client(url, {
    pipelining: 1,
    connect: { timeout: connectTimeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  const send = async <Data>(options: Dispatcher.RequestOptions, isRight: Check): Promise<Answer<Data>> => {
    const request = `${options.method} ${options.path}`
    try {
      return await dataOf<Data>(request, await client.request(options), isRight)
    } catch (error) {
      if (!(error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)) throw error
      throw new Error(`${request} was not answered within ${timeoutMs / 1000} s`, { cause: error })
    }
  }
  const get = <Data>(path: string, isRight: Check) => send<Data>({ path, method: 'GET' }, isRight)
  return {
    products: async () => (await get<Product[]>('/products', areProducts)).data,
    async lookUp(name) {
      const isThis: Check = data => isProduct(data) && (data as Product).name === name
      const { data, headers } = await get<Product>(`/products/${encodeURIComponent(name)}`, isThis)
      return { product: data, hit: cacheHit(headers['cache-status']) }
    },
    async order(request, key) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key }
      const body = JSON.stringify(request)
      return (await send<Order>({ path: '/orders', method: 'POST', headers, body }, isOrder)).data
    },
    findOrder: async number => (await get<Order>(`/orders/${number}`, isOrder)).data,
    close: () => client.destroy(),
  }
}

type Check = (data: unknown) => boolean

/** What the measurement goes by; a page of another server, or an empty answer, has none of it. */
const isProduct: Check = data => {
  const { name, quantity } = (data ?? {}) as Partial<Product>
  return typeof name === 'string' && typeof quantity === 'number'
}
const areProducts: Check = data => Array.isArray(data) && data.every(isProduct)
const isOrder: Check = data => typeof (data as Partial<Order> | null | undefined)?.number === 'number'

interface Answer<Data> {
  data: Data
  headers: Dispatcher.ResponseData['headers']
}

async function dataOf<Data>(request: string, response: Dispatcher.ResponseData, isRight: Check): Promise<Answer<Data>> {
  const text = await response.body.text()
  const body = parseAnswer(text)
  if (response.statusCode === 200 && isRight(body?.data)) return { data: body?.data as Data, headers: response.headers }
  const error = BazaarError.from(body)
  if (error !== null) throw error
  throw new Error(`${request} answered ${response.statusCode} with ${JSON.stringify(text.slice(0, 100))}`)
}

/** An answer's JSON; null for a page of another server. */
export function parseAnswer(text: string): { data?: unknown } | null {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Whether the cache had it, by an answer's `Cache-Status`; null where there is none. */
export function cacheHit(header: string | string[] = ''): boolean | null {
  return header === '' ? null : /;\s*hit\b/.test(String(header))
}

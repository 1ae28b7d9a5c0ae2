import { BazaarError } from './errors.ts'
import { Requester, type RequestOptions } from './request.ts'
import type { CatalogStatus, FrontendStatus, Order, OrderRequest, OrderStatus, Product } from './schemas.ts'

/** A process that did not answer in time. */
export interface Down {
  name: string
  role: 'down'
}

/** `GET /cluster`. `lag` is in log entries, behind the longest log. */
export interface ClusterStatus {
  leader: string | null
  term: number
  replicas: ((OrderStatus & { lag: number }) | Down)[]
  catalogs: ((CatalogStatus & { role: 'catalog'; lag: number }) | Down)[]
  frontend: FrontendStatus
}

/**
 * The public REST of a front-end, for the command line, the benchmark and tests. Methods throw
 * BazaarError (what the front-end answered) or ConnectionError (no answer in time). One request takes at most
 * `requestTimeoutMs` unless told otherwise; a front-end itself may try for `orderDeadlineMs` (10 s).
 */
export class FrontendClient {
  readonly #requester: Requester

  /**
   * @param target URL (`http://127.0.0.1:8080`) or the path of the internal unix socket
   * @param connections most requests under way at once; the others wait their turn
   */
  constructor(target: string, connections?: number) {
    this.#requester = new Requester(target, connections)
  }

  /** `GET /products/:name`: the product, or null when there is none; `hit` tells that it came from the cache. */
  async product(name: string, options?: RequestOptions): Promise<{ product: Product | null; hit: boolean }> {
    try {
      const answer = await this.#requester.call('GET', `/products/${encodeURIComponent(name)}`, undefined, options)
      const { data } = answer.body as { data: Product }
      return { product: data, hit: String(answer.headers['cache-status']).includes('hit') }
    } catch (error) {
      return { product: nullWhen('PRODUCT_NOT_FOUND', error), hit: false }
    }
  }

  /** `GET /products`. */
  async products(options?: RequestOptions): Promise<Product[]> {
    return this.#data<Product[]>('GET', '/products', undefined, options)
  }

  /**
   * `POST /orders`. With the same `key` it can be repeated after a ConnectionError or a 503 without ordering twice.
   *
   * @throws BazaarError `OUT_OF_STOCK`, `PRODUCT_NOT_FOUND`, `KEY_REUSED`, `INVALID`, `NO_QUORUM`, `OVERLOADED`
   */
  async order(request: OrderRequest, key?: string, options?: RequestOptions): Promise<Order> {
    return this.#data<Order>('POST', '/orders', request, withKey(key, options))
  }

  /** `GET /orders/:number`: the order, or null when there is none. */
  async getOrder(number: number, options?: RequestOptions): Promise<Order | null> {
    try {
      return await this.#data<Order>('GET', `/orders/${number}`, undefined, options)
    } catch (error) {
      return nullWhen('ORDER_NOT_FOUND', error)
    }
  }

  /** `PUT /products/:name`: create the product (with stock 0) or give it another price. `token` is the ADMIN_TOKEN. */
  async putProduct(name: string, price: number, token: string, options?: RequestOptions): Promise<Product> {
    return this.#data<Product>('PUT', `/products/${encodeURIComponent(name)}`, { price }, withToken(token, options))
  }

  /** `POST /products/:name/stock`: add `quantity` units. `token` is the ADMIN_TOKEN. */
  async addStock(name: string, quantity: number, token: string, options?: RequestOptions): Promise<Product> {
    const path = `/products/${encodeURIComponent(name)}/stock`
    return this.#data<Product>('POST', path, { quantity }, withToken(token, options))
  }

  /** `GET /cluster`. */
  async cluster(options?: RequestOptions): Promise<ClusterStatus> {
    return this.#data<ClusterStatus>('GET', '/cluster', undefined, options)
  }

  /** `GET /ready`: whether a look-up and an order would be answered; false as well when nobody listens. */
  async ready(options?: RequestOptions): Promise<boolean> {
    try {
      return (await this.#requester.send('GET', '/ready', undefined, options)).status === 200
    } catch {
      return false
    }
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#requester.close()
  }

  async #data<T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    request: object | undefined,
    options?: RequestOptions,
  ): Promise<T> {
    const text = request === undefined ? undefined : JSON.stringify(request)
    const { body } = await this.#requester.call(method, path, text, options)
    return (body as { data: T }).data
  }
}

function nullWhen(reason: string, error: unknown): null {
  if (error instanceof BazaarError && error.reason === reason) return null
  throw error
}

function withKey(key: string | undefined, options: RequestOptions = {}): RequestOptions {
  return key === undefined ? options : { ...options, headers: { ...options.headers, 'idempotency-key': key } }
}

function withToken(token: string, options: RequestOptions = {}): RequestOptions {
  return { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } }
}

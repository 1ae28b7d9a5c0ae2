import { linesOf } from './line-splitter.ts'
import { Requester, type RequestOptions, successOf } from './request.ts'
import type { CatalogStatus, Change, Product } from './schemas.ts'

/** What a look-up saw, and the log index at which it saw it. */
export interface Reading<T> {
  index: number
  data: T
}

/** One catalog. Methods throw BazaarError (what the catalog answered) or ConnectionError (no answer in time). */
export class CatalogClient {
  readonly #requester: Requester

  /** @param socket path of the catalog's unix socket */
  constructor(socket: string) {
    this.#requester = new Requester(socket)
  }

  /**
   * `GET /products?index=N`: all products, read once the catalog has applied the log up to `index`.
   *
   * @throws BazaarError `NO_QUORUM` when it has not got there in its own bounded time
   */
  async products(index: number, options?: RequestOptions): Promise<Reading<Product[]>> {
    const { body } = await this.#requester.call('GET', `/products?index=${index}`, undefined, options)
    return body as Reading<Product[]>
  }

  /** `GET /products/:name?index=N`: as `products`, for one; `data` is null when there is no such product. */
  async product(name: string, index: number, options?: RequestOptions): Promise<Reading<Product | null>> {
    const path = `/products/${encodeURIComponent(name)}?index=${index}`
    const answer = await this.#requester.send('GET', path, undefined, options)
    if (answer.status !== 404) return successOf(answer).body as Reading<Product>
    return { index: Number(answer.headers['bazaar-index'] ?? index), data: null }
  }

  /**
   * `GET /changes`: first the index from which on no change is missing, then every change and a heartbeat each 100 ms;
   * one array for each chunk that arrived. Rejects when the catalog ends or is silent for `idleMs`.
   */
  async *changes(options?: { idleMs?: number; signal?: AbortSignal }): AsyncGenerator<readonly Change[]> {
    const stream = await this.#requester.lines('/changes', options)
    for await (const bytes of stream.chunks)
      yield linesOf(bytes)
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as Change)
  }

  /** `GET /status`. */
  async status(options?: RequestOptions): Promise<CatalogStatus> {
    const { body } = await this.#requester.call('GET', '/status', undefined, options)
    return body as CatalogStatus
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#requester.close()
  }
}

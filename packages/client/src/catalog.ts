import { CallChannel } from './call-channel.ts'
import { lookupCalls } from './call-protocol.ts'
import { linesOf } from './line-splitter.ts'
import { Requester, type RequestOptions } from './request.ts'
import type { CatalogStatus, Change, Lookup, Product, Reading } from './schemas.ts'

/** One catalog. Methods throw BazaarError (what the catalog answered) or ConnectionError (no answer in time). */
export class CatalogClient {
  readonly #requester: Requester
  readonly #lookups: CallChannel<Lookup, Reading<Product | null>>

  /** @param socket path of the catalog's unix socket */
  constructor(socket: string) {
    this.#requester = new Requester(socket)
    this.#lookups = new CallChannel(this.#requester, lookupCalls)
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

  /** As `products`, for one; `data` is null when there is no such product. */
  product(name: string, index: number, options?: Pick<RequestOptions, 'timeoutMs'>): Promise<Reading<Product | null>> {
    return this.#lookups.call({ name, index }, options?.timeoutMs)
  }

  /**
   * `GET /changes`: first the index from which on no change is missing, then every change and a heartbeat each 100 ms;
   * one array for each chunk that arrived. Rejects when the catalog ends or is silent for `idleMs`.
   */
  async *changes(options?: { idleMs?: number; signal?: AbortSignal }): AsyncGenerator<readonly Change[]> {
    for await (const bytes of await this.#requester.lines('/changes', options))
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
    this.#lookups.close()
    return this.#requester.close()
  }
}

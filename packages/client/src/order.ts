import { CallChannel } from './call-channel.ts'
import { commandCalls, queryCalls } from './call-protocol.ts'
import { Requester, type RequestOptions } from './request.ts'
import type { Command, CommandResult, Order, OrderStatus } from './schemas.ts'

/** One order replica. Methods throw BazaarError (what the replica answered) or ConnectionError (no answer in time). */
export class OrderClient {
  readonly #requester: Requester
  readonly #commands: CallChannel<readonly Command[], CommandResult[]>
  readonly #queries: CallChannel<number, Order | null>

  /** @param socket path of the replica's HTTP unix socket */
  constructor(socket: string) {
    this.#requester = new Requester(socket)
    this.#commands = new CallChannel(this.#requester, commandCalls)
    this.#queries = new CallChannel(this.#requester, queryCalls)
  }

  /**
   * 1…`commandsPerRequestMax` commands, each with its own result, in their order. Safe to repeat after any error, because
   * every command has a key.
   *
   * @throws BazaarError `NOT_LEADER` (with a hint), `OVERLOADED`, `INVALID` for all of them as a whole
   */
  execute(commands: readonly Command[], options?: Pick<RequestOptions, 'timeoutMs'>): Promise<CommandResult[]> {
    return this.#commands.call(commands, options?.timeoutMs)
  }

  /**
   * The order of this number, or null when a majority confirmed that there is none.
   *
   * @throws BazaarError `NOT_LEADER` when this replica does not have it and cannot say that nobody has
   */
  order(number: number, options?: Pick<RequestOptions, 'timeoutMs'>): Promise<Order | null> {
    return this.#queries.call(number, options?.timeoutMs)
  }

  /**
   * `GET /log?after=N`: the committed lines of `log.jsonl` with index > N, verbatim and in order, for ever; those of each
   * chunk that arrived, an empty one as heartbeat. Rejects when the replica ends, or is silent for `idleMs` (it sends a
   * heartbeat every 100 ms).
   */
  log(after: number, options?: { idleMs?: number; signal?: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    return this.#requester.lines(`/log?after=${after}`, options)
  }

  /** `GET /status`. */
  async status(options?: RequestOptions): Promise<OrderStatus> {
    const { body } = await this.#requester.call('GET', '/status', undefined, options)
    return body as OrderStatus
  }

  /** Closes all connections. */
  close(): Promise<void> {
    this.#commands.close()
    this.#queries.close()
    return this.#requester.close()
  }
}

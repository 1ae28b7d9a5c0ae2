import { BazaarError, ConnectionError } from '@bazaar/client'
import type { Life } from './life.ts'
import type { Network } from './network.ts'

/**
 * Requests from process to process, as undici and a unix socket carry them: an answer, an error of the contract, or a
 * ConnectionError when the other end is not there, goes away, or is not heard of in time.
 */
export class Calls<Service> {
  readonly #network: Network
  readonly #services = new Map<Life, Service>()

  constructor(network: Network) {
    this.#network = network
  }

  /** The process answers with this service until its life ends. */
  serve(life: Life, service: Service): void {
    this.#services.set(life, service)
    life.onEnd(() => this.#services.delete(life))
  }

  call<T>(from: Life, to: string, timeoutMs: number, ask: (service: Service) => Promise<T> | T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!from.calls()) return
      const network = this.#network
      let open = true
      let leave = (): void => {}
      const close = (settle: () => void): void => {
        if (!open) return
        open = false
        leave()
        from.clock.clearTimer(timer)
        settle()
      }
      const fail = (reason: string): void =>
        close(() => reject(new ConnectionError(`${from.name} to ${to}: ${reason}`)))
      const timer = from.clock.setTimer(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs)
      const answer = (settle: () => void): void => {
        if (!network.blocked(to, from.name)) from.after(network.delay(), () => close(settle))
      }
      if (network.blocked(from.name, to)) return
      from.after(network.delay(), () => {
        const life = network.running(to)
        const service = life === null ? undefined : this.#services.get(life)
        if (life === null || service === undefined) return fail('connection refused')
        leave = life.onEnd(() => from.after(network.delay(), () => fail('connection closed')))
        life.hear(() => {
          void handle(service, ask).then(
            value => answer(() => resolve(value)),
            error => answer(() => reject(error)),
          )
        })
      })
    })
  }
}

/** The answer as it is after its way through JSON: nothing is shared between processes. */
async function handle<Service, T>(service: Service, ask: (service: Service) => Promise<T> | T): Promise<T> {
  try {
    const value = await ask(service)
    return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
  } catch (error) {
    if (error instanceof BazaarError) throw BazaarError.from(error.toBody()) as BazaarError
    // What is not in the catalogue becomes a 500 of the service.
    throw new BazaarError('INTERNAL', String(error))
  }
}

import { ConnectionError } from '@bazaar/client'
import type { Life } from './life.ts'
import type { Network } from './network.ts'

/** The writing end, as much of an HTTP answer as the feeds use. */
export interface Sink {
  readonly writableLength: number
  write(data: string | Uint8Array): boolean
  end(): void
  destroy(): void
  on(event: string, listener: () => void): void
}

export interface StreamOptions {
  readonly idleMs: number
  readonly signal?: AbortSignal | undefined
}

/** Serves one stream to whoever asked. */
type Join<Service> = (service: Service, sink: Sink) => void

/**
 * Endless answers from process to process. Once something written does not get through, nothing later does either: bytes
 * come in order or not at all.
 */
export class Streams<Service> {
  readonly #network: Network
  readonly #now: () => number
  readonly #services = new Map<Life, Service>()

  constructor(network: Network, now: () => number) {
    this.#network = network
    this.#now = now
  }

  serve(life: Life, service: Service): void {
    this.#services.set(life, service)
    life.onEnd(() => this.#services.delete(life))
  }

  /** Resolves with the chunks of lines, empty lines included. */
  open(
    from: Life,
    to: string,
    { idleMs, signal }: StreamOptions,
    join: Join<Service>,
  ): Promise<AsyncIterable<readonly string[]>> {
    const network = this.#network
    const reader = new Reader(from, to, idleMs, signal)
    return new Promise((resolve, reject) => {
      reader.onFailure = reject
      if (!from.calls() || network.blocked(from.name, to)) return
      from.after(network.delay(), () => {
        const life = network.running(to)
        const service = life === null ? undefined : this.#services.get(life)
        if (life === null || service === undefined) return reader.fail('connection refused')
        life.hear(() => {
          const sink = new NetworkSink(life, reader, network, this.#now)
          join(service, sink)
          sink.deliver(() => {
            reader.onFailure = () => {}
            resolve(reader)
          })
        })
      })
    })
  }
}

class NetworkSink implements Sink {
  readonly writableLength = 0
  readonly #life: Life
  readonly #reader: Reader
  readonly #network: Network
  readonly #now: () => number
  #lastArrival = 0
  #broken = false
  #closeListeners: (() => void)[] = []

  constructor(life: Life, reader: Reader, network: Network, now: () => number) {
    this.#life = life
    this.#reader = reader
    this.#network = network
    this.#now = now
    const leave = life.onEnd(() => this.end())
    reader.onClose = () => {
      leave()
      life.after(network.delay(), () => {
        this.#broken = true
        for (const listener of this.#closeListeners.splice(0)) listener()
      })
    }
  }

  write(data: string | Uint8Array): boolean {
    const text = Buffer.from(data as Uint8Array).toString()
    if (this.#life.calls()) this.deliver(() => this.#reader.push(text))
    return true
  }

  end(): void {
    this.deliver(() => this.#reader.fail('the stream ended'))
    this.#broken = true
  }

  destroy(): void {
    this.end()
  }

  on(event: string, listener: () => void): void {
    if (event === 'close') this.#closeListeners.push(listener)
  }

  /** In order, after what was written before. */
  deliver(arrive: () => void): void {
    const { from } = this.#reader
    if (this.#network.blocked(this.#life.name, from.name)) this.#broken = true
    if (this.#broken) return
    this.#lastArrival = Math.max(this.#lastArrival, this.#now() + this.#network.delay())
    from.after(this.#lastArrival - this.#now(), arrive)
  }
}

/** The reading end: gives up when it hears nothing for `idleMs`. */
class Reader implements AsyncIterable<readonly string[]> {
  readonly from: Life
  readonly #to: string
  readonly #idleMs: number
  readonly #signal: AbortSignal | undefined
  readonly #chunks: (readonly string[])[] = []
  #timer: unknown
  #rest = ''
  #failure: { readonly error: unknown } | null = null
  #wake: () => void = () => {}
  onClose: () => void = () => {}
  onFailure: (error: unknown) => void = () => {}

  constructor(from: Life, to: string, idleMs: number, signal: AbortSignal | undefined) {
    this.from = from
    this.#to = to
    this.#idleMs = idleMs
    this.#signal = signal
    this.#watch()
    if (signal?.aborted) this.#aborted()
    else signal?.addEventListener('abort', this.#aborted)
  }

  readonly #aborted = (): void => this.#close(this.#signal?.reason)

  push(text: string): void {
    if (this.#failure !== null) return
    this.from.clock.clearTimer(this.#timer)
    this.#watch()
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() as string
    if (lines.length > 0) this.#chunks.push(lines)
    this.#wake()
  }

  fail(reason: string): void {
    this.#close(new ConnectionError(`${this.from.name} reads from ${this.#to}: ${reason}`))
  }

  #watch(): void {
    this.#timer = this.from.clock.setTimer(() => this.fail(`silent for ${this.#idleMs} ms`), this.#idleMs)
  }

  #close(error: unknown): void {
    if (this.#failure !== null) return
    this.#failure = { error }
    this.from.clock.clearTimer(this.#timer)
    this.#signal?.removeEventListener('abort', this.#aborted)
    this.onFailure(error)
    this.onClose()
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly string[]> {
    try {
      for (;;) {
        for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) yield chunk
        if (this.#failure !== null) throw this.#failure.error
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    } finally {
      this.#close(new ConnectionError('left'))
    }
  }
}

import { cpuTimesMs } from './cpu-time.ts'
import { type NextRequest, runLoad } from './load.ts'
import type { LoadConnection } from './load-connection.ts'
import { Recorder, type Summary } from './statistics.ts'

/** A server under load: connections to it, and the processes whose work it is. */
export interface Target {
  connections: readonly LoadConnection[]
  pids: readonly number[]
}

/** What was measured of one kind of request, over all its slices. */
export interface Measured extends Summary {
  perSecond: number
  /** Processor time of all processes of the server for each request, in ms. */
  cpuMs: number
  /** Processor time of the client for each request, in ms. */
  clientCpuMs: number
}

/**
 * In how many turns different loads are measured for so many seconds each, so that a slow moment of the machine meets all
 * of them alike, and how long a turn is, in ms: ten at least, and none over a second, or connections would rest until
 * servers close them.
 */
export function turnsFor(seconds: number): { rounds: number; sliceMs: number } {
  const rounds = Math.max(10, Math.ceil(seconds))
  return { rounds, sliceMs: (seconds * 1000) / rounds }
}

/** Adds up slices of load on one target, so that they can take turns with those on another. */
export class Meter {
  readonly #target: Target
  readonly #connections: number
  readonly #next: NextRequest
  #recorder = new Recorder()
  #elapsedMs = 0
  #cpuMs = 0
  #clientCpuMs = 0

  constructor(target: Target, connections: number, next: NextRequest) {
    this.#target = target
    this.#connections = connections
    this.#next = next
  }

  /** Loads the target for a while. Throws when a request is not answered with 200. */
  async slice(durationMs: number): Promise<void> {
    const { connections, pids } = this.#target
    const cpuBeforeMs = cpuTimesMs(pids)
    const clientBefore = process.cpuUsage()
    const result = await runLoad(connections.slice(0, this.#connections), durationMs, this.#next, this.#recorder)
    if (result.firstFailure !== null) throw new Error(`a request under load failed: ${result.firstFailure}`)
    const { user, system } = process.cpuUsage(clientBefore)
    this.#clientCpuMs += (user + system) / 1000
    this.#cpuMs += cpuTimesMs(pids) - cpuBeforeMs
    this.#elapsedMs += result.elapsedMs
  }

  /** How many requests were answered. */
  get count(): number {
    return this.#recorder.count
  }

  /** Forgets what was measured so far: it was to warm up. */
  restart(): void {
    this.#recorder = new Recorder()
    this.#elapsedMs = 0
    this.#cpuMs = 0
    this.#clientCpuMs = 0
  }

  measured(): Measured {
    return {
      ...this.#recorder.summary(),
      perSecond: (this.count * 1000) / this.#elapsedMs,
      cpuMs: this.#cpuMs / this.count,
      clientCpuMs: this.#clientCpuMs / this.count,
    }
  }
}

import { BazaarError, type Command, type CommandResult } from '@bazaar/client'
import { expectFailure, type Replica } from './replica.ts'

/** How long one replica has to answer, in ms. */
const attemptTimeoutMs = 2_000

/** Gives commands to the order leader, wherever it is. */
export class Commands {
  readonly #replicas: readonly Replica[]
  #leader: Replica

  constructor(replicas: readonly [Replica, ...Replica[]]) {
    this.#replicas = replicas
    this.#leader = replicas[0]
  }

  /**
   * Executes the commands, 1…`commandsPerRequestMax`, in order: asks the leader known from before, goes where hints
   * point and otherwise from one replica to the next, twice around at most. A command's key makes a repetition safe.
   *
   * @throws BazaarError or ConnectionError, the last one met, when no replica executed them
   */
  async execute(commands: readonly Command[]): Promise<CommandResult[]> {
    for (let attempts = 2 * this.#replicas.length; ; attempts -= 1) {
      try {
        return await this.#leader.client.execute(commands, { timeoutMs: attemptTimeoutMs })
      } catch (error) {
        expectFailure(error)
        this.#leader = this.#hinted(error) ?? this.#next()
        if (attempts === 1) throw error
      }
    }
  }

  #hinted(error: unknown): Replica | undefined {
    const hint = error instanceof BazaarError ? error.leader : null
    return this.#replicas.find(({ name }) => name === hint)
  }

  #next(): Replica {
    const next = (this.#replicas.indexOf(this.#leader) + 1) % this.#replicas.length
    return this.#replicas[next] as Replica
  }
}

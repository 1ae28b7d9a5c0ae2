import { jsonCrc } from '@bazaar/client/contract'
import type { HardState } from '@bazaar/raft'
import { CorruptFileError } from '@bazaar/service'
import type { Adapter } from 'lowdb'
import { Low } from 'lowdb'

/**
 * What `state.json` holds. Term, vote and voting are durable before anything is said that depends on them; the note
 * (how much of the log was synced, how far it was committed) is lazy and may lag.
 */
export interface State extends HardState {
  readonly syncedBytes: number
  readonly commitIndex: number
}

/**
 * As it stands in the file. Of how many replicas this is one has a checksum of its own, and is not in files of before it
 * was noted: so this version reads theirs, and they this one's, when a deployment is rolled back.
 */
export type StoredState = State & { readonly crc: string; readonly replicas?: number; readonly replicasCrc?: string }

/** A small document under lowdb, checked by a CRC: a vote that rotted could be a second vote. */
export class StateFile {
  readonly #low: Low<StoredState | null>
  readonly #replicas: number
  #state: State
  /** The state that is on disk. */
  #written: State
  #saving: Promise<void> = Promise.resolve()

  private constructor(low: Low<StoredState | null>, state: State, replicas: number) {
    this.#low = low
    this.#replicas = replicas
    this.#state = state
    this.#written = state
  }

  /**
   * The file, and whether it held a state that can be trusted. Without one the member is new or has lost its vote.
   *
   * @throws Error when it is the state of one of another number of replicas than `replicas`
   */
  static async open(
    adapter: Adapter<StoredState | null>,
    replicas: number,
  ): Promise<{ file: StateFile; found: boolean }> {
    const low = new Low<StoredState | null>(adapter, null)
    try {
      await low.read()
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error
      low.data = null
    }
    const found = low.data !== null && low.data.crc === checksum(low.data)
    const noted = low.data?.replicas ?? replicas
    // What a majority of these acknowledged, a majority of others might not know of.
    if (noted !== replicas && low.data?.replicasCrc === jsonCrc(noted)) {
      throw new Error(`the data are those of one of ${noted} replicas, and can not be used by one of ${replicas}`)
    }
    return { file: new StateFile(low, found ? stateOf(low.data as StoredState) : unknownState, replicas), found }
  }

  /** The last state given to `save`. */
  get state(): State {
    return this.#state
  }

  /** Whether the state is on disk: not while it is written, and not after there was no room for it. */
  get saved(): boolean {
    return this.#written === this.#state
  }

  /**
   * Changes some of the state; resolves once all of it is on disk. Writes are done one after the other, each with the
   * latest state. Rejects with code `ENOSPC` when the disk is full; any other error is final.
   */
  save(change: Partial<State>): Promise<void> {
    this.#state = { ...this.#state, ...change }
    const saved = this.#saving.then(async () => {
      const state = this.#state
      const replicas = this.#replicas
      this.#low.data = { ...state, crc: checksum(state), replicas, replicasCrc: jsonCrc(replicas) }
      await this.#low.write()
      this.#written = state
    })
    this.#saving = saved.catch(() => {})
    return saved
  }
}

/** That of a replica that is new, or has forgotten all that it said. */
export const unknownState: State = { term: 0, vote: null, voting: false, syncedBytes: 0, commitIndex: 0 }

function stateOf({ term, vote, voting, syncedBytes, commitIndex }: State): State {
  return { term, vote, voting, syncedBytes, commitIndex }
}

const checksum = (state: State): string => jsonCrc(stateOf(state))

import type { OrderStatus } from '@bazaar/client'
import type { Attempt } from './ports.ts'
import { isFailure } from './retry.ts'

type Asked<T> = ReadonlyMap<string, { status(options: Attempt): Promise<T> }>

/** The status of each by its name, all asked at once; null of one that refused or did not tell it within `timeoutMs`. */
export async function statusesOf<T>(asked: Asked<T>, timeoutMs: number): Promise<[name: string, status: T | null][]> {
  return Promise.all(
    [...asked].map(async ([name, peer]): Promise<[string, T | null]> => {
      try {
        return [name, await peer.status({ timeoutMs })]
      } catch (error) {
        if (isFailure(error)) return [name, null]
        throw error
      }
    }),
  )
}

/** The leader of the highest term among those who say that they lead. */
export function leaderAmong(statuses: readonly OrderStatus[]): OrderStatus | undefined {
  return statuses.filter(({ role }) => role === 'leader').sort((one, other) => other.term - one.term)[0]
}

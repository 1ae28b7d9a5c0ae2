/** Bounds of what a shop is started with: the command line refuses what the processes would, by the same numbers. */
export const replicasMax = 9
export const catalogsMax = 9
export const cacheEntriesMax = 1_000_000
export const portMax = 65_535
/** The longest time between two restocks: a day. */
export const restockMaxMs = 24 * 60 * 60 * 1000

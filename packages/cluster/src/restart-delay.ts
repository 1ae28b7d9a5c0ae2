/** A process that has answered for this long is healthy: when it dies, it is restarted at once. */
export const healthyAfterMs = 2000
const restartDelayFirstMs = 100
const restartDelayMaxMs = 5000

/**
 * How long to wait before a process that died is started again, in ms: not at all the first time, then 100 ms, doubling
 * to 5 s while it keeps dying young. So a kill costs no time and a crash loop costs no processor.
 *
 * @param youngDeaths How often in a row it died without having answered for `healthyAfterMs`, this time not counted.
 */
export function restartDelayMs(youngDeaths: number): number {
  if (youngDeaths === 0) return 0
  return Math.min(restartDelayFirstMs * 2 ** (youngDeaths - 1), restartDelayMaxMs)
}

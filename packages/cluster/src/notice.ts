/**
 * What a supervisor tells the person who started it.
 *
 * - `died`: a process ended by itself and is started again in `restartInMs`. `lastWords` is why, as far as it said, empty
 *   when a signal killed it; `log` is the path of the rest.
 * - `up`: a process that died answers again.
 * - `leader`: another order replica leads.
 */
export type Notice =
  | { type: 'died'; name: string; how: string; restartInMs: number; lastWords: string; log: string }
  | { type: 'up'; name: string; pid: number }
  | { type: 'leader'; name: string; term: number }

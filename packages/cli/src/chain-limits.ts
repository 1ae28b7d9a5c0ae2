import { warmUpIterations } from './benchmark.ts'
import { connectionShopper } from './connection-shopper.ts'
import {
  connectionsMax,
  host,
  type LimitsServer,
  type LoadKind,
  type Mix,
  MixMeter,
  mixClients,
  nextOrder,
  warmUpMs,
} from './limits.ts'
import { type Measured, Meter, turnsFor } from './meter.ts'
import { OrdinaryConnection } from './ordinary-connection.ts'
import type { Progress } from './progress.ts'

/** How many connections each kind of load has that the chain is put under. */
const chainKinds = { orders64: 64, order1: 1, order5: 5 } as const satisfies Partial<Record<LoadKind, number>>
export type ChainKind = keyof typeof chainKinds

/** The bare chain's figures, and those of the bare server in turns with it. */
export interface ChainResult {
  loads: Record<ChainKind, { chain: Measured; bare: Measured }>
  /** The experiment as with the shop; every look-up is a hit. */
  lookupAndOrder5: Mix
}

/** As many as the shop has. */
const names = Array.from({ length: 12 }, (_, at) => `Bare ${at}`)

/**
 * Measures a bare chain and a bare server side by side, as `measureLimits` does the shop: after it, not in turns with it,
 * because the shop would rest for longer between its own turns, and be the colder for it.
 */
export async function measureChain(
  servers: { chain: LimitsServer; bare: LimitsServer },
  { seconds, seed }: { seconds: number; seed: number },
  progress: Progress,
): Promise<ChainResult> {
  const targetOf = ({ port, pids }: LimitsServer) => ({
    connections: Array.from({ length: connectionsMax }, () => new OrdinaryConnection(host, port)),
    pids,
  })
  const [chain, bare] = [targetOf(servers.chain), targetOf(servers.bare)]
  const orders = nextOrder(names, 'chain')
  const pairOf = (connections: number) =>
    [new Meter(bare, connections, orders), new Meter(chain, connections, orders)] as const
  const mix = new MixMeter(chain.connections.slice(0, mixClients).map(connectionShopper), names, seed, 'chain')
  try {
    progress.stage('warming up', null)
    for (const meter of pairOf(connectionsMax)) await meter.slice(warmUpMs)
    await mix.slice({ iterations: warmUpIterations('on', mixClients) })
    const pairs = Object.entries(chainKinds).map(([kind, connections]) => [kind, pairOf(connections)] as const)
    const { rounds, sliceMs } = turnsFor(seconds)
    progress.stage('measuring a bare chain', rounds + 1)
    for (let round = 0; round <= rounds; round += 1) {
      for (const [, pair] of pairs) for (const meter of pair) await meter.slice(sliceMs)
      await mix.slice({ seconds: sliceMs / 1000 })
      if (round === 0) {
        for (const [, pair] of pairs) for (const meter of pair) meter.restart()
        mix.restart()
      }
      progress.step()
    }
    const loads = pairs.map(([kind, [bare, chain]]) => [kind, { chain: chain.measured(), bare: bare.measured() }])
    return { loads: Object.fromEntries(loads), lookupAndOrder5: mix.measured() }
  } finally {
    progress.clear()
    for (const connection of [...chain.connections, ...bare.connections]) connection.close()
  }
}

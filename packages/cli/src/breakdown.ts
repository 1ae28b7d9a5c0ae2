import { type Command, OrderClient, socketPath } from '@bazaar/client'
import type { Cluster } from '@bazaar/cluster'
import { measureOverwrites } from './append-limit.ts'
import { connectionShopper } from './connection-shopper.ts'
import { LeanConnection } from './lean-connection.ts'
import { nextOrder, warmUpMs } from './limits.ts'
import { runLoad } from './load.ts'
import { turnsFor } from './meter.ts'
import { Recorder } from './statistics.ts'

/** Medians of one client's order and of its parts, in ms. */
export interface Breakdown {
  /** An order through the front-end. */
  order: number
  /** A bare Fastify POST. */
  publicHttp: number
  /** A message from process to process and back: an order with a known key, less what the leader does with it. */
  hop: number
  /** What the leader does with an order whose key is known: it is read, judged and answered, and nothing is stored. */
  judge: number
  /** An order given to the leader itself, that hop included. */
  leader: number
  /** Write and fdatasync of one line, in a file that has its length, as a replica's ring. */
  disk: number
}

/** Orders with a known key in one call: what one of them takes longer than one alone is the leader's work on it. */
const repeatedTogether = 101

/**
 * Where the time of one client's order goes, measured from outside, each part in turns with the others.
 *
 * @param seconds how long each part is measured in all
 */
export async function measureBreakdown(
  cluster: Cluster,
  barePort: number,
  runId: string,
  seconds: number,
): Promise<Breakdown> {
  const open = (port: number) => LeanConnection.open('127.0.0.1', port)
  const [front, bare] = [await open(Number(new URL(cluster.url).port)), await open(barePort)]
  const leader = new OrderClient(socketPath(cluster.data, await cluster.leader()))
  const newRecorders = () => ({
    order: new Recorder(),
    publicHttp: new Recorder(),
    repeated: new Recorder(),
    repeatedMany: new Recorder(),
    leader: new Recorder(),
    disk: new Recorder(),
  })
  let recorders = newRecorders()
  const names = (await connectionShopper(front).products()).map(product => product.name)
  const order = nextOrder(names, runId)
  const load = async (connection: LeanConnection, durationMs: number, recorder: Recorder): Promise<void> => {
    const { failed, firstFailure } = await runLoad([connection], durationMs, order, recorder)
    if (failed > 0) throw new Error(`an order failed: ${firstFailure}`)
  }
  const nextCommand = (): Command => {
    const { json, key } = order()
    return { ...JSON.parse(json as string), key }
  }
  const { rounds, sliceMs } = turnsFor(seconds)
  try {
    await load(front, warmUpMs, recorders.order)
    await load(bare, warmUpMs, recorders.publicHttp)
    for (let round = 0; round <= rounds; round += 1) {
      await load(front, sliceMs, recorders.order)
      await load(bare, sliceMs, recorders.publicHttp)
      let command: Command = nextCommand()
      await timed(sliceMs, recorders.leader, () => {
        command = nextCommand()
        return leader.execute([command])
      })
      await timed(sliceMs, recorders.repeated, () => leader.execute([command]))
      const many = Array.from({ length: repeatedTogether }, () => command)
      await timed(sliceMs, recorders.repeatedMany, () => leader.execute(many))
      measureOverwrites(cluster.data, sliceMs, recorders.disk)
      if (round === 0) recorders = newRecorders()
    }
  } finally {
    front.close()
    bare.close()
    await leader.close()
  }
  const p50 = (recorder: Recorder) => recorder.percentile(50) ?? Number.NaN
  const judge = (p50(recorders.repeatedMany) - p50(recorders.repeated)) / (repeatedTogether - 1)
  return {
    order: p50(recorders.order),
    publicHttp: p50(recorders.publicHttp),
    hop: p50(recorders.repeated) - judge,
    judge,
    leader: p50(recorders.leader),
    disk: p50(recorders.disk),
  }
}

async function timed(durationMs: number, recorder: Recorder, request: () => Promise<unknown>): Promise<void> {
  const endsAt = performance.now() + durationMs
  for (;;) {
    const startedAt = performance.now()
    if (startedAt >= endsAt) return
    await request()
    recorder.record(performance.now() - startedAt)
  }
}

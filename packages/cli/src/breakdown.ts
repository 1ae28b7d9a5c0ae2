import { BazaarError, type Command, OrderClient, socketPath } from '@bazaar/client'
import type { Cluster } from '@bazaar/cluster'
import { measureAppends } from './append-limit.ts'
import { connectionShopper } from './connection-shopper.ts'
import { LeanConnection } from './lean-connection.ts'
import { nextOrder } from './limits.ts'
import { runLoad } from './load.ts'
import { Recorder } from './statistics.ts'

/** Medians of one client's order and of its parts, in ms. */
export interface Breakdown {
  /** An order through the front-end. */
  order: number
  /** A bare Fastify POST. */
  publicHttp: number
  /** The shortest message from process to process: no command at all, which the leader refuses at once. */
  hop: number
  /** An order whose key is known, given to the leader: it is judged and answered, and nothing is stored; that hop included. */
  repeated: number
  /** An order given to the leader itself, that hop included. */
  leader: number
  /** Append and fdatasync of one line. */
  append: number
}

const rounds = 10
/** Orders before the first round, until V8 has compiled what it will run. */
const warmUpMs = 5000

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
    hop: new Recorder(),
    repeated: new Recorder(),
    leader: new Recorder(),
    append: new Recorder(),
  })
  let recorders = newRecorders()
  const names = (await connectionShopper(front).products()).map(product => product.name)
  const order = nextOrder(names, runId)
  const nextCommand = (): Command => {
    const { json, key } = order()
    return { ...JSON.parse(json as string), key }
  }
  const sliceMs = (seconds * 1000) / rounds
  try {
    await runLoad([front], warmUpMs, order, recorders.order)
    for (let round = 0; round <= rounds; round += 1) {
      const { failed, firstFailure } = await runLoad([front], sliceMs, order, recorders.order)
      if (failed > 0) throw new Error(`an order failed: ${firstFailure}`)
      await runLoad([bare], sliceMs, order, recorders.publicHttp)
      await timed(sliceMs, recorders.hop, () => leader.execute([]).catch(expectInvalid))
      let command: Command = nextCommand()
      await timed(sliceMs, recorders.leader, () => {
        command = nextCommand()
        return leader.execute([command])
      })
      await timed(sliceMs, recorders.repeated, () => leader.execute([command]))
      measureAppends(cluster.data, sliceMs, recorders.append)
      if (round === 0) recorders = newRecorders()
    }
  } finally {
    front.close()
    bare.close()
    await leader.close()
  }
  const p50 = (recorder: Recorder) => recorder.percentile(50) ?? Number.NaN
  return {
    order: p50(recorders.order),
    publicHttp: p50(recorders.publicHttp),
    hop: p50(recorders.hop),
    repeated: p50(recorders.repeated),
    leader: p50(recorders.leader),
    append: p50(recorders.append),
  }
}

function expectInvalid(error: unknown): void {
  if (!(error instanceof BazaarError && error.reason === 'INVALID')) throw error
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

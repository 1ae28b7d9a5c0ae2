import { randomInt } from 'node:crypto'
import { type CommandDef, defineCommand } from 'citty'
import { seedMax } from './bench-options.ts'
import { type ChaosOptions, chaosDefaults, parseChaosOptions } from './chaos-options.ts'
import { chaosJson, chaosPassed, chaosText } from './chaos-report.ts'
import { runChaos } from './chaos-run.ts'
import { faultKinds, faultTargets } from './fault-plan.ts'
import { chaosStock, startOwnCluster } from './own-cluster.ts'
import { progressOn } from './progress.ts'
import { httpShopper } from './shopper.ts'
import { canInjectSystemCallFaults } from './system-call-fault.ts'
import { exitStatus } from './usage-error.ts'
import { writeOutput } from './write-output.ts'

const args = {
  seconds: { type: 'string', valueHint: 'N', description: `how long faults are injected (${chaosDefaults.seconds})` },
  clients: { type: 'string', valueHint: 'N', description: `clients at work at once (${chaosDefaults.clients})` },
  fault: { type: 'string', valueHint: 'LIST', description: `of ${faultKinds.join(', ')} (all)` },
  target: {
    type: 'string',
    valueHint: 'LIST',
    description: `of ${faultTargets.join(', ')} (${chaosDefaults.target})`,
  },
  failover: { type: 'string', valueHint: 'N', description: 'kill N leaders and measure how soon orders go on' },
  seed: { type: 'string', valueHint: 'N', description: 'decides faults and orders; without it a new one' },
  json: { type: 'string', valueHint: 'FILE', description: 'write the result as JSON; - is standard output' },
} as const

/** `bazaar chaos`: clients shop while processes are killed and paused; then everything they were told is checked. */
export const chaosCommand: CommandDef<typeof args> = defineCommand({
  meta: { name: 'chaos', description: 'Kills and pauses processes while clients shop, and checks what is left.' },
  args,
  run: async ({ args }) => {
    process.exitCode = await chaos(parseChaosOptions(args, canInjectSystemCallFaults, () => randomInt(seedMax)))
  },
})

async function chaos(options: ChaosOptions): Promise<number> {
  const progress = progressOn(process.stderr)
  progress.stage('starting the shop', null)
  const cluster = await startOwnCluster({ stock: chaosStock })
  try {
    const result = await runChaos(cluster, () => httpShopper(cluster.url), options, progress)
    if (options.jsonFile !== '-') console.log(chaosText(result))
    if (options.jsonFile !== null) writeOutput(options.jsonFile, `${JSON.stringify(chaosJson(result), null, 2)}\n`)
    return chaosPassed(result) ? exitStatus.ok : exitStatus.failed
  } finally {
    progress.clear()
    await cluster.stop()
  }
}

import { bazaar } from './cdk.ts'
import { nothingThere } from './deploy.ts'
import type { Deployment } from './deployment.ts'
import { DeployError } from './errors.ts'
import { urlOf } from './status.ts'

/** Runs the evaluation from here against the machine. `words` are options of `bazaar bench`. */
export async function bench({ cloud, settings }: Deployment, words: readonly string[]): Promise<number> {
  const machine = await cloud.machine(settings.stackName)
  const url = machine === null ? null : urlOf(machine)
  if (url === null) throw new DeployError(nothingThere(settings, await cloud.region()))
  return bazaar('bench', '--url', url, ...words)
}

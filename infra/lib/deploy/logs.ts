import { nothingThere } from './deploy.ts'
import type { Deployment } from './deployment.ts'
import { DeployError } from './errors.ts'

/** Prints the last lines of the machine's console: its start, every step of a deployment, and what processes log. */
export async function logs({ cloud, settings }: Deployment, lines: number): Promise<number> {
  const machine = await cloud.machine(settings.stackName)
  if (machine === null) throw new DeployError(nothingThere(settings, await cloud.region()))
  const text = (await cloud.console(machine.id)).trimEnd()
  if (text === '') console.log(`EC2 has nothing yet of the console of ${machine.id}; it is a few minutes behind`)
  else console.log(text.split(/\r?\n/).slice(-lines).join('\n'))
  return 0
}

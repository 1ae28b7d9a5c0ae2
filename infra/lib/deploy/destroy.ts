import { createInterface } from 'node:readline/promises'
import { cdkDestroy } from './cdk.ts'
import type { DataVolume } from './cloud.ts'
import type { Deployment } from './deployment.ts'
import { DeployError } from './errors.ts'
import { forgetDataVolume } from './saved-settings.ts'

export interface DestroyOptions {
  /** Do not ask. */
  yes: boolean
  /** The orders as well. */
  withData: boolean
}

/** Takes the stack down, after a question, and says what became of the volume with the orders. */
export async function destroy(deployment: Deployment, { yes, withData }: DestroyOptions): Promise<number> {
  const { cloud, settings, context } = deployment
  const { stackName } = settings
  const [machine, volumes] = await Promise.all([cloud.machine(stackName), cloud.dataVolumes(stackName)])
  const region = await cloud.region()
  const ends = machine === null ? 'no machine' : `${machine.id} and its address`
  console.log(`${stackName} in ${region}: ${ends} will be deleted`)
  for (const volume of volumes) console.log(`${named(volume)} with its orders will be ${withData ? 'deleted' : 'kept'}`)
  if (!yes && !(await agreed(stackName))) {
    console.log('nothing was deleted')
    return 1
  }
  await cdkDestroy(region, { ...context, commit: settings.commit })
  for (const volume of volumes) {
    if (withData) await cloud.deleteVolume(volume.id)
    console.log(withData ? `${volume.id} is deleted` : kept(volume))
  }
  if (withData) forgetDataVolume()
  return 0
}

function named({ id, sizeGiB, zone }: DataVolume): string {
  return `${id} (${sizeGiB} GiB in ${zone})`
}

function kept({ id, zone }: DataVolume): string {
  return `${id} is kept: bazaar deploy --data-volume ${id} --zone ${zone} takes it over, destroy --with-data deletes it`
}

async function agreed(stackName: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new DeployError('nobody can be asked here: say --yes to destroy')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question(`Type ${stackName} to go on: `)).trim() === stackName
  } finally {
    terminal.close()
  }
}

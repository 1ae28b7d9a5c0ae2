import type { Settings } from '../settings.ts'
import { bazaar, cdkDeploy } from './cdk.ts'
import { checksOfPlace, checksOfWho, runChecks } from './checks.ts'
import type { Cloud, DeployedMachine } from './cloud.ts'
import type { Deployment } from './deployment.ts'
import { DeployError } from './errors.ts'
import { saveSettings } from './saved-settings.ts'

/**
 * How long the shop may take to sell, as on the machine itself (`sale_limit`): CloudFormation waits for new user-data only,
 * and a machine that got another type has just been started.
 */
const saleLimit = '180s'

/**
 * Checks, deploys and orders something. With a machine there already it is an update in place: another commit restarts
 * that machine.
 *
 * @param wanted whether a machine is to be there before
 * @returns the exit status
 */
export async function deploy(deployment: Deployment, wanted: 'any' | 'existing'): Promise<number> {
  const { cloud, settings } = deployment
  const say = (line: string) => console.log(line)
  say(`checking before ${settings.commit.slice(0, 12)} is deployed as ${settings.stackName}`)
  await runChecks(checksOfWho, { cloud, settings, machine: null }, say)
  const machine = await cloud.machine(settings.stackName)
  if (machine === null && wanted === 'existing') throw new DeployError(nothingThere(settings, await cloud.region()))
  await runChecks(checksOfPlace, { cloud, settings, machine }, say)
  await wake(cloud, machine, say)
  saveSettings(deployment.context)
  say('deploying; the machine is done when it has sold something, which takes it five to ten minutes the first time')
  const outputs = await cdkDeploy(await cloud.region(), pinned(deployment, machine)).catch(async error => {
    await tellLeftovers(cloud, settings)
    throw error
  })
  const { Url: url = '', Session: session = '' } = outputs
  const status = await bazaar('deploy', 'check', '--url', url, '--wait', saleLimit)
  say(`\nthe shop     ${url}\na session    ${session}\nevaluation   bazaar deploy bench`)
  return status
}

export function nothingThere({ stackName }: Settings, region: string): string {
  return `there is no machine of ${stackName} in ${region}: bazaar deploy makes one`
}

/** The image of a machine that is there stays, whatever this checkout remembers: another one would be another machine. */
function pinned({ context, settings }: Deployment, machine: DeployedMachine | null): Deployment['context'] {
  const { commit, repository } = settings
  return { ...context, commit, repository, ...(machine === null ? {} : { ami: machine.imageId }) }
}

/** CloudFormation puts a commit on a machine that runs; a lab that ended has stopped it. */
async function wake(cloud: Cloud, machine: DeployedMachine | null, say: (line: string) => void): Promise<void> {
  if (machine?.state !== 'stopped') return
  say(`${machine.id} is stopped; starting it`)
  await cloud.start(machine.id)
}

/** A volume outlives the stack, even one that was rolled back. */
async function tellLeftovers(cloud: Cloud, { stackName }: Settings): Promise<void> {
  const volumes = await cloud.dataVolumes(stackName)
  for (const { id, zone } of volumes.filter(({ state }) => state === 'available')) {
    console.log(`${id} in ${zone} is left: take it over with --data-volume ${id} --zone ${zone}`)
    console.log('or delete it with bazaar deploy destroy --with-data')
  }
}

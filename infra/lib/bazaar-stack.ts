import { Annotations, CfnOutput, LegacyStackSynthesizer, Stack, Tags } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { DataVolume } from './data-volume.ts'
import { Machine } from './machine.ts'
import { Opening } from './opening.ts'
import type { Settings } from './settings.ts'
import { userData } from './user-data.ts'

/**
 * The shop on one machine: a volume with the orders, a machine that any commit can be put on, and the machine's word
 * that it sells, without which a deployment fails.
 *
 * LegacyStackSynthesizer needs no bootstrap: no bucket, no roles, nothing in the account beside the stack itself.
 */
export class BazaarStack extends Stack {
  constructor(scope: Construct, settings: Settings) {
    super(scope, settings.stackName, {
      description: 'Bazaar: takes orders for a shop and does not lose them.',
      synthesizer: new LegacyStackSynthesizer(),
      ...(settings.environment === null ? {} : { env: settings.environment }),
    })
    if (settings.repository === '') {
      const message = 'nothing to clone: this checkout has no public origin; say -c repository=https://… to deploy it'
      Annotations.of(this).addWarningV2('bazaar:repository', message)
    }
    const opening = new Opening(this, 'Opening', signalUrl => userData(settings, signalUrl))
    const machine = new Machine(this, 'Machine', { ...settings, userData: opening.userData })
    const volume = new DataVolume(this, 'Data', { instance: machine.instance, existing: settings.dataVolume })
    opening.waitFor(machine.instance, machine.address, volume.attachment)
    // What `bazaar deploy` finds it by, and finds out about it.
    const tags = { Name: settings.stackName, 'bazaar:stack': settings.stackName }
    for (const [key, value] of Object.entries(tags)) Tags.of(this).add(key, value)
    Tags.of(machine.instance).add('bazaar:commit', settings.commit)
    Tags.of(machine.instance).add('bazaar:port', String(settings.port))
    this.#outputs(settings, machine, volume)
  }

  #outputs(settings: Settings, machine: Machine, volume: DataVolume): void {
    const port = settings.port === 80 ? '' : `:${settings.port}`
    const url = `http://${machine.address.ref}${port}`
    const output = (name: string, description: string, value: string) =>
      new CfnOutput(this, name, { description, value })
    output('Url', 'The shop', url)
    output('Session', 'Opens a session on the machine', sessionCommand(settings, machine, this.region))
    output('Benchmark', 'Reruns the evaluation against it', `bazaar bench --url ${url}`)
    output('InstanceId', 'The machine', machine.instance.ref)
    output('DataVolumeId', 'The volume with the orders, which outlives the stack', volume.id)
    output('Commit', 'What runs', settings.commit)
  }
}

function sessionCommand({ instanceProfile, ssh }: Settings, machine: Machine, region: string): string {
  if (instanceProfile !== null) return `aws ssm start-session --region ${region} --target ${machine.instance.ref}`
  if (ssh !== null) return `ssh ubuntu@${machine.address.ref}`
  return 'none was asked for: deploy with instanceProfile, or with keyPair and sshFrom'
}

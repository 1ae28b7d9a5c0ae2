import * as ec2 from '@aws-sdk/client-ec2'
import { DeployError } from './errors.ts'

/** What EC2 knows of a deployed machine. */
export interface DeployedMachine {
  id: string
  /** `running`, `stopped` … */
  state: string
  type: string
  imageId: string
  zone: string
  launchTime: Date | null
  address: string | null
  commit: string
  port: number
}

export interface DataVolume {
  id: string
  /** `in-use`, `available` … */
  state: string
  zone: string
  sizeGiB: number
}

const liveStates = ['pending', 'running', 'stopping', 'stopped']
/** How long EC2 may take to start a machine or let go of a volume, in s. */
const waitSeconds = 300

/** EC2 in one region, as far as deployments are concerned. */
export class Cloud {
  readonly client: ec2.EC2Client

  constructor(client: ec2.EC2Client) {
    this.client = client
  }

  static in(region: string | undefined): Cloud {
    return new Cloud(new ec2.EC2Client(region === undefined ? {} : { region }))
  }

  /** The region; throws a `DeployError` when nothing says which. */
  async region(): Promise<string> {
    try {
      return await this.client.config.region()
    } catch {
      throw new DeployError('no region: say --region us-east-1, or set AWS_REGION')
    }
  }

  /** The machine of that stack, or null. */
  async machine(stack: string): Promise<DeployedMachine | null> {
    const Filters = [
      { Name: 'tag:bazaar:stack', Values: [stack] },
      { Name: 'instance-state-name', Values: liveStates },
    ]
    const { Reservations = [] } = await this.client.send(new ec2.DescribeInstancesCommand({ Filters }))
    const instance = Reservations.flatMap(({ Instances = [] }) => Instances)[0]
    if (instance === undefined) return null
    const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value ?? ''
    return {
      id: instance.InstanceId ?? '',
      state: instance.State?.Name ?? 'unknown',
      type: instance.InstanceType ?? '',
      imageId: instance.ImageId ?? '',
      zone: instance.Placement?.AvailabilityZone ?? '',
      launchTime: instance.LaunchTime ?? null,
      address: await this.#address(instance),
      commit: tag('bazaar:commit'),
      port: Number(tag('bazaar:port')),
    }
  }

  /** The volumes with orders that deployments of that stack made, the one in use among them. */
  async dataVolumes(stack: string): Promise<DataVolume[]> {
    const Filters = [{ Name: 'tag:bazaar:stack', Values: [stack] }]
    const { Volumes = [] } = await this.client.send(new ec2.DescribeVolumesCommand({ Filters }))
    return Volumes.map(volume => ({
      id: volume.VolumeId ?? '',
      state: volume.State ?? 'unknown',
      zone: volume.AvailabilityZone ?? '',
      sizeGiB: volume.Size ?? 0,
    }))
  }

  /** The console, as far as EC2 has it: it is some minutes behind on older types. */
  async console(instanceId: string): Promise<string> {
    const output = await this.client.send(new ec2.GetConsoleOutputCommand({ InstanceId: instanceId }))
    return Buffer.from(output.Output ?? '', 'base64').toString('utf8')
  }

  /** Starts a stopped machine and waits until it runs. */
  async start(instanceId: string): Promise<void> {
    const InstanceIds = [instanceId]
    await this.client.send(new ec2.StartInstancesCommand({ InstanceIds }))
    await ec2.waitUntilInstanceRunning({ client: this.client, maxWaitTime: waitSeconds }, { InstanceIds })
  }

  /** Deletes a volume as soon as no machine holds it. */
  async deleteVolume(id: string): Promise<void> {
    await ec2.waitUntilVolumeAvailable({ client: this.client, maxWaitTime: waitSeconds }, { VolumeIds: [id] })
    await this.client.send(new ec2.DeleteVolumeCommand({ VolumeId: id }))
  }

  /** The Elastic IP, which a stopped machine keeps although it does not show it. */
  async #address({ InstanceId = '', PublicIpAddress }: ec2.Instance): Promise<string | null> {
    if (PublicIpAddress !== undefined) return PublicIpAddress
    const Filters = [{ Name: 'instance-id', Values: [InstanceId] }]
    const { Addresses = [] } = await this.client.send(new ec2.DescribeAddressesCommand({ Filters }))
    return Addresses[0]?.PublicIp ?? null
  }
}

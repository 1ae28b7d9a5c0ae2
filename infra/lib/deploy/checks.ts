import * as ec2 from '@aws-sdk/client-ec2'
import { canonical, ubuntu } from '../image.ts'
import type { Settings } from '../settings.ts'
import type { Cloud, DeployedMachine } from './cloud.ts'
import { checkCommit } from './commit.ts'
import { checkCredentials } from './credentials.ts'
import { DeployError } from './errors.ts'

/** What a check looks at. */
export interface Subject {
  cloud: Cloud
  settings: Settings
  /** The machine that is there already. */
  machine: DeployedMachine | null
}

/** Returns what it found in a few words, or throws a `DeployError` that says what to do. */
type Check = (subject: Subject) => Promise<string>

/** What is to run, and on whose account: nothing else can be asked before that. */
export const checksOfWho: Record<string, Check> = {
  commit: ({ settings }) => checkCommit(settings.repository, settings.commit),
  credentials: ({ cloud }) => checkCredentials(cloud),
}

/** Whether there is a place for it, in this order: each presumes those before it. */
export const checksOfPlace: Record<string, Check> = {
  'default VPC': checkVpc,
  'instance type': checkInstanceType,
  quota: checkQuota,
  'key pair': checkKeyPair,
  permission: checkPermission,
}

/** Runs the checks, saying what each found. Throws the first failure. */
export async function runChecks(checks: Record<string, Check>, subject: Subject, say: (line: string) => void) {
  for (const [name, check] of Object.entries(checks)) say(`  ${name}: ${await check(subject)}`)
}

async function checkVpc({ cloud }: Subject): Promise<string> {
  const Filters = [{ Name: 'is-default', Values: ['true'] }]
  const { Vpcs = [] } = await cloud.client.send(new ec2.DescribeVpcsCommand({ Filters }))
  const region = await cloud.region()
  if (Vpcs[0] !== undefined) return `${Vpcs[0].VpcId} in ${region}`
  throw new DeployError(`${region} has no default VPC: make it with aws ec2 create-default-vpc --region ${region}`)
}

async function checkInstanceType({ cloud, settings: { instanceType } }: Subject): Promise<string> {
  const Filters = [{ Name: 'instance-type', Values: [instanceType] }]
  const request = { LocationType: 'availability-zone', Filters } as const
  const { InstanceTypeOfferings = [] } = await cloud.client.send(new ec2.DescribeInstanceTypeOfferingsCommand(request))
  if (InstanceTypeOfferings.length > 0) return `${instanceType} in ${InstanceTypeOfferings.length} zones`
  const region = await cloud.region()
  throw new DeployError(`${region} does not offer ${instanceType}: try --instance-type t3.micro, or another --region`)
}

/** One machine and one address must still fit into the account. */
async function checkQuota({ cloud, machine }: Subject): Promise<string> {
  if (machine !== null) return 'nothing more is needed'
  const [attributes, reservations, addresses] = await Promise.all([
    cloud.client.send(new ec2.DescribeAccountAttributesCommand({})),
    cloud.client.send(
      new ec2.DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running'] }] }),
    ),
    cloud.client.send(new ec2.DescribeAddressesCommand({})),
  ])
  const limit = (name: string): number => {
    const attribute = attributes.AccountAttributes?.find(({ AttributeName }) => AttributeName === name)
    return Number(attribute?.AttributeValues?.[0]?.AttributeValue ?? Number.POSITIVE_INFINITY)
  }
  const instances = (reservations.Reservations ?? []).flatMap(({ Instances = [] }) => Instances).length
  const ips = addresses.Addresses?.length ?? 0
  refuseAt('machines run', instances, limit('max-instances'), 'end one of them')
  refuseAt('Elastic IPs are taken', ips, limit('vpc-max-elastic-ips'), 'release one of them')
  return `${instances} machines and ${ips} Elastic IPs so far`
}

function refuseAt(what: string, count: number, limit: number, remedy: string): void {
  if (count < limit) return
  throw new DeployError(`${count} ${what} and the account's limit is ${limit}: ${remedy}, or ask AWS for more`)
}

async function checkKeyPair({ cloud, settings: { ssh } }: Subject): Promise<string> {
  if (ssh === null) return 'none asked for, so no ssh'
  const { KeyPairs = [] } = await cloud.client.send(new ec2.DescribeKeyPairsCommand({}))
  const names = KeyPairs.map(({ KeyName }) => KeyName ?? '')
  if (names.includes(ssh.keyPair)) return `${ssh.keyPair}, from ${ssh.from}`
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`
  throw new DeployError(`${await cloud.region()} has no key pair ${ssh.keyPair}: ${known}`)
}

/** Asks EC2 whether it would run such a machine, image, profile and key included, without running it. */
async function checkPermission({ cloud, settings, machine }: Subject): Promise<string> {
  if (machine !== null) return `${machine.id} is there already`
  const { instanceType, instanceProfile, ssh } = settings
  const ImageId = settings.ami ?? (await newestImage(cloud))
  const request: ec2.RunInstancesCommandInput = {
    ...{ DryRun: true, MinCount: 1, MaxCount: 1, ImageId, InstanceType: instanceType as ec2._InstanceType },
    ...(instanceProfile === null ? {} : { IamInstanceProfile: { Name: instanceProfile } }),
    ...(ssh === null ? {} : { KeyName: ssh.keyPair }),
  }
  try {
    await cloud.client.send(new ec2.RunInstancesCommand(request))
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'DryRunOperation') return `may run ${ImageId}`
    throw new DeployError(`EC2 would not run ${ImageId} as ${instanceType}: ${name}: ${message}`)
  }
  throw new DeployError('EC2 took a question for an order: look for an instance that should not be there')
}

async function newestImage(cloud: Cloud): Promise<string> {
  const request = { Owners: [canonical], Filters: [{ Name: 'name', Values: [ubuntu] }] }
  const { Images = [] } = await cloud.client.send(new ec2.DescribeImagesCommand(request))
  const newest = Images.reduce(
    (one, other) => ((other.CreationDate ?? '') > (one.CreationDate ?? '') ? other : one),
    {},
  )
  if (newest.ImageId !== undefined) return newest.ImageId
  throw new DeployError(`${await cloud.region()} has no image ${ubuntu}: say which with --ami`)
}

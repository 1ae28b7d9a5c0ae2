/** What a deployment is made of. Every field is decided and checked. */
export interface Settings {
  /** Name of the CloudFormation stack. */
  stackName: string
  /** Where it goes; null is for a template that is only looked at, which has no account. */
  environment: { account: string; region: string } | null
  instanceType: string
  /** The image to use instead of the newest Ubuntu 24.04 known when the stack was first made. */
  ami: string | null
  /** TCP port of the front-end, the only one that is open to the world. */
  port: number
  /** Address to clone from, without credentials; empty when it is not known. */
  repository: string
  /** The commit that runs, in full. */
  commit: string
  /** Where pnpm and Node come from; they are checked against the digests of the commit. */
  registry: string
  /** Entries of the front-end's cache; 0 is off. */
  cache: number
  /** Order replicas, odd. */
  replicas: number
  /** Profile that lets Session Manager in. */
  instanceProfile: string | null
  /** Who may log in with ssh; null is nobody. */
  ssh: { keyPair: string; from: string } | null
  /** The volume of an earlier deployment to take over, and the zone it is in; null makes a new one. */
  dataVolume: { id: string; zone: string } | null
}

/** Reads one value of the context, undefined when it is not set. */
export type ReadContext = (key: string) => unknown

/** What the checkout and the credentials say when the context does not. */
export interface Surroundings {
  account: string | undefined
  region: string | undefined
  repository: string | null
  commit: string | null
  registry: string
}

/** The keys of the context, with what each is for. `bazaar deploy` has an option of the same name for each. */
export const contextKeys = {
  stack: 'name of the stack (Bazaar)',
  region: 'region (that of the credentials)',
  instanceType: 'instance type, x86 (t2.micro)',
  ami: 'image (the newest Ubuntu 24.04 at the first deploy)',
  port: 'public port (80)',
  repository: 'address to clone from (origin of this checkout)',
  commit: 'commit to run (HEAD of this checkout)',
  registry: 'npm registry (the one npm uses here)',
  cache: "products in the front-end's cache, or off (10)",
  replicas: 'order replicas, odd (3)',
  instanceProfile: 'for Session Manager, a name or an ARN (none)',
  keyPair: 'key pair for ssh, together with --ssh-from (none)',
  sshFrom: 'addresses that may use ssh, as a CIDR block (none)',
  dataVolume: 'volume to take over, with its --zone (a new one)',
  zone: 'availability zone of that volume',
} as const
export type ContextKey = keyof typeof contextKeys

const replicasMax = 9
const cacheMax = 1_000_000
/** Wider blocks than this are the world, and ssh is not for the world. */
const sshPrefixMin = 8

/** Checks the context and fills in what it leaves out. Throws an error that names the key, its rule and the value. */
export function settingsFrom(context: ReadContext, surroundings: Surroundings): Settings {
  const read = (key: ContextKey): string | null => {
    const value = context(key) ?? null
    return value === null || value === '' ? null : String(value)
  }
  const matching = (key: ContextKey, fallback: string, pattern: RegExp, rule: string): string =>
    check(key, read(key) ?? fallback, pattern, rule)
  const optional = (key: ContextKey, pattern: RegExp, rule: string): string | null => {
    const value = read(key)
    return value === null ? null : check(key, value, pattern, rule)
  }
  const region = read('region') ?? surroundings.region
  return {
    stackName: matching('stack', 'Bazaar', /^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'letters, digits and hyphens'),
    environment:
      surroundings.account === undefined || region === undefined ? null : { account: surroundings.account, region },
    instanceType: matching('instanceType', 't2.micro', /^[a-z0-9-]+\.[a-z0-9-]+$/, 'a type such as t2.micro'),
    ami: optional('ami', /^ami-[0-9a-f]{8,17}$/, 'an image id such as ami-0123456789abcdef0'),
    port: integer('port', read('port') ?? '80', 1, 65_535),
    repository: matching(
      'repository',
      surroundings.repository ?? '',
      /^((https?|file):\/\/[^\s'@]+)?$/,
      'a public URL',
    ),
    commit: matching('commit', surroundings.commit ?? '', /^[0-9a-f]{40}$/, 'a full commit id of 40 hex digits'),
    registry: matching('registry', surroundings.registry, /^https?:\/\/[^\s'@]+[^/\s'@]$/, 'a URL'),
    cache: read('cache') === 'off' ? 0 : integer('cache', read('cache') ?? '10', 0, cacheMax),
    replicas: replicas(read('replicas') ?? '3'),
    instanceProfile: profileName(optional('instanceProfile', /^[\w+=,.@:/-]+$/, 'the name or ARN of a profile')),
    ssh: ssh(read('keyPair'), optional('sshFrom', /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/, 'a block such as 192.0.2.7/32')),
    dataVolume: dataVolume(
      optional('dataVolume', /^vol-[0-9a-f]{8,17}$/, 'a volume id'),
      optional('zone', /^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'a zone such as us-east-1a'),
    ),
  }
}

function check(key: ContextKey, value: string, pattern: RegExp, rule: string): string {
  if (!pattern.test(value)) throw new Error(`${key} must be ${rule}, got ${JSON.stringify(value)}`)
  return value
}

function integer(key: ContextKey, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new Error(`${key} must be ${min}..${max}, got ${JSON.stringify(text)}`)
  return value
}

function replicas(text: string): number {
  const value = integer('replicas', text, 1, replicasMax)
  if (value % 2 === 0) throw new Error(`replicas must be odd, got ${value}`)
  return value
}

/** An instance takes the name of a profile; the consoles show ARNs. */
function profileName(nameOrArn: string | null): string | null {
  return nameOrArn?.split('/').at(-1) ?? null
}

function ssh(keyPair: string | null, from: string | null): Settings['ssh'] {
  if (keyPair === null && from === null) return null
  if (keyPair === null || from === null) {
    throw new Error(`ssh needs both keyPair and sshFrom, got only ${keyPair === null ? 'sshFrom' : 'keyPair'}`)
  }
  const prefix = Number(from.split('/')[1])
  if (prefix < sshPrefixMin || prefix > 32) throw new Error(`sshFrom must be /${sshPrefixMin} to /32, got ${from}`)
  return { keyPair, from }
}

function dataVolume(id: string | null, zone: string | null): Settings['dataVolume'] {
  if (id === null && zone === null) return null
  if (id === null || zone === null) {
    throw new Error(
      `a volume to take over needs both dataVolume and zone, got only ${id === null ? 'zone' : 'dataVolume'}`,
    )
  }
  return { id, zone }
}

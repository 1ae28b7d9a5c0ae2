import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Aspects } from 'aws-cdk-lib'
import { Annotations, Match } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks, NagSuppressions } from 'cdk-nag'
import t, { type Test } from 'tap'
import { BazaarStack } from '../lib/bazaar-stack.ts'
import { publicAddress } from '../lib/checkout.ts'
import { readOptions } from '../lib/deploy/options.ts'
import { type ContextKey, settingsFrom } from '../lib/settings.ts'
import { root } from './aws.ts'

/** What CloudFormation takes inline, and what EC2 takes as user-data, in bytes. */
const templateBytesMax = 50 * 1024
const userDataBytesMax = 16 * 1024

const folder = mkdtempSync(join(tmpdir(), 'bazaar-synth-'))
t.teardown(() => rmSync(folder, { recursive: true }))

type Context = Partial<Record<ContextKey, string>>
interface Resource {
  Type: string
  Properties: Record<string, unknown>
  DependsOn?: string[]
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
}
interface Template {
  Parameters?: Record<string, { Type: string }>
  Resources: Record<string, Resource>
  Outputs: Record<string, { Value: unknown }>
}

const basis: Context = {
  repository: 'https://example.com/bazaar.git',
  commit: 'a'.repeat(40),
  ami: 'ami-0123456789abcdef0',
}

function settingsOf(context: Context) {
  const registry = 'https://packages.example'
  const nowhere = { account: undefined, region: undefined, repository: null, commit: null, registry }
  return settingsFrom(key => ({ ...basis, ...context })[key as ContextKey], nowhere)
}

/** Whatever the CDK itself finds wrong with the template is an error, as in `cdk.json`. */
function newApp(): App {
  const context = { '@aws-cdk/core:validateAgainstDefaultRules': true }
  return new App({ analyticsReporting: false, context, outdir: mkdtempSync(join(folder, 'out-')) })
}

function stackOf(context: Context = {}): BazaarStack {
  return new BazaarStack(newApp(), settingsOf(context))
}

function templateOf(context: Context = {}): Template {
  const app = newApp()
  const { stackName } = new BazaarStack(app, settingsOf(context))
  return app.synth().getStackByName(stackName).template as Template
}

function only(template: Template, type: string): Resource {
  const found = Object.values(template.Resources).filter(({ Type }) => Type === type)
  assert.equal(found.length, 1, type)
  return found[0] as Resource
}

function idOf(template: Template, type: string): string {
  return Object.keys(template.Resources).find(id => template.Resources[id]?.Type === type) ?? ''
}

/** The user-data as EC2 has it, with `signal` for the address that CloudFormation makes up. */
function userDataOf(template: Template): string {
  const { UserData } = only(template, 'AWS::EC2::Instance').Properties
  const [separator, parts] = (UserData as { 'Fn::Base64': { 'Fn::Join': [string, unknown[]] } })['Fn::Base64'][
    'Fn::Join'
  ]
  return parts.map(part => (typeof part === 'string' ? part : 'signal')).join(separator)
}

t.test('the stack needs no role, no bucket and no bootstrap', async t => {
  const app = newApp()
  const { stackName } = new BazaarStack(app, settingsOf({ instanceProfile: 'LabInstanceProfile' }))
  const artifact = app.synth().getStackByName(stackName)
  const template = artifact.template as Template
  const types = Object.values(template.Resources).map(({ Type }) => Type)
  t.same(
    types.filter(type => type.startsWith('AWS::IAM')),
    [],
  )
  t.same(artifact.assets, [])
  t.equal(artifact.assumeRoleArn, undefined)
  t.equal(template.Parameters, undefined)
  t.ok(Buffer.byteLength(JSON.stringify(template, null, 1)) < templateBytesMax)
  t.same(types.sort(), [
    'AWS::CloudFormation::WaitCondition',
    'AWS::CloudFormation::WaitConditionHandle',
    'AWS::EC2::EIP',
    'AWS::EC2::Instance',
    'AWS::EC2::SecurityGroup',
    'AWS::EC2::Volume',
    'AWS::EC2::VolumeAttachment',
  ])
})

t.test(
  'the machine is a t2.micro that takes session tokens only, with an encrypted disk and an address that stays',
  async t => {
    const template = templateOf()
    t.match(only(template, 'AWS::EC2::Instance').Properties, {
      InstanceType: 't2.micro',
      ImageId: basis.ami,
      CreditSpecification: { CPUCredits: 'standard' },
      MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      BlockDeviceMappings: [{ Ebs: { VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true } }],
      KeyName: undefined,
      IamInstanceProfile: undefined,
    })
    const instance = { Ref: idOf(template, 'AWS::EC2::Instance') }
    t.same(only(template, 'AWS::EC2::EIP').Properties.InstanceId, instance)
  },
)

t.test('only the public port is open, and ssh to those it was asked for', async t => {
  const ingress = (context: Context) =>
    only(templateOf(context), 'AWS::EC2::SecurityGroup').Properties.SecurityGroupIngress
  const shop = { IpProtocol: 'tcp', FromPort: 80, ToPort: 80, CidrIp: '0.0.0.0/0', Description: 'The shop' }
  t.same(ingress({}), [shop])
  t.same(ingress({ port: '8080' }), [{ ...shop, FromPort: 8080, ToPort: 8080 }])
  const ssh = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, CidrIp: '192.0.2.7/32', Description: 'ssh for its owner' }
  const asked = { keyPair: 'vockey', sshFrom: '192.0.2.7/32' }
  t.same(ingress(asked), [shop, ssh])
  t.equal(only(templateOf(asked), 'AWS::EC2::Instance').Properties.KeyName, 'vockey')
})

t.test('the volume with the orders outlives machine and stack, and can be taken over', async t => {
  const kept = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' }
  const template = templateOf()
  const instance = idOf(template, 'AWS::EC2::Instance')
  const AvailabilityZone = { 'Fn::GetAtt': [instance, 'AvailabilityZone'] }
  const volume = { ...kept, Properties: { Encrypted: true, VolumeType: 'gp3', AvailabilityZone } }
  t.match(only(template, 'AWS::EC2::Volume'), volume)
  t.match(only(template, 'AWS::EC2::VolumeAttachment'), { ...kept, Properties: { Device: '/dev/sdf' } })
  const other = templateOf({ dataVolume: 'vol-0123456789abcdef0', zone: 'us-east-1b' })
  t.equal(idOf(other, 'AWS::EC2::Volume'), '')
  t.equal(only(other, 'AWS::EC2::VolumeAttachment').Properties.VolumeId, 'vol-0123456789abcdef0')
  t.equal(only(other, 'AWS::EC2::Instance').Properties.AvailabilityZone, 'us-east-1b')
})

t.test('every change of the user-data is waited for anew, on the same machine', async t => {
  const [one, other] = [templateOf(), templateOf({ commit: 'b'.repeat(40) })]
  for (const type of ['AWS::CloudFormation::WaitCondition', 'AWS::CloudFormation::WaitConditionHandle']) {
    t.not(idOf(one, type), idOf(other, type))
    t.equal(idOf(one, type), idOf(templateOf({ instanceProfile: 'Other' }), type), 'and of nothing else')
  }
  for (const type of ['AWS::EC2::Instance', 'AWS::EC2::Volume', 'AWS::EC2::EIP'])
    t.equal(idOf(one, type), idOf(other, type))
  const { DependsOn = [] } = only(one, 'AWS::CloudFormation::WaitCondition')
  for (const type of ['Instance', 'EIP', 'VolumeAttachment'])
    t.ok(DependsOn.includes(idOf(one, `AWS::EC2::${type}`)), type)
})

t.test('the user-data fits, runs on every boot, and has the settings in front', async t => {
  const text = userDataOf(templateOf({ cache: 'off', replicas: '5' }))
  t.ok(Buffer.byteLength(text) < userDataBytesMax, `${Buffer.byteLength(text)} bytes`)
  t.match(text, /^[\n\x20-\x7e]*$/, 'plain ASCII, as its parts declare no encoding')
  t.match(text, /cloud_final_modules:\n- \[scripts-user, always\]/)
  t.match(text, /#!\/bin\/bash\nreadonly REPOSITORY='https:\/\/example.com\/bazaar.git'\nreadonly COMMIT='a{40}'\n/)
  t.match(text, /readonly CACHE='0'\nreadonly REPLICAS='5'\nreadonly SIGNAL_URL='signal'\n/)
})

t.test('the outputs tell where it is, how to get in and how to measure it', async t => {
  const value = (context: Context, output: string) => JSON.stringify(templateOf(context).Outputs[output]?.Value)
  const address = idOf(templateOf(), 'AWS::EC2::EIP')
  t.equal(value({}, 'Url'), JSON.stringify({ 'Fn::Join': ['', ['http://', { Ref: address }]] }))
  t.equal(value({ port: '8080' }, 'Url'), JSON.stringify({ 'Fn::Join': ['', ['http://', { Ref: address }, ':8080']] }))
  t.match(value({}, 'Benchmark'), /bazaar bench --url/)
  t.match(value({}, 'Session'), /none was asked for/)
  t.match(value({ instanceProfile: 'arn:aws:iam::1:instance-profile/Lab' }, 'Session'), /aws ssm start-session/)
  t.match(value({ keyPair: 'vockey', sshFrom: '192.0.2.7/32' }, 'Session'), /ssh ubuntu@/)
})

t.test('a setting that cannot be is refused by name, rule and value', async t => {
  const refused = (context: Context, message: string) => t.throws(() => settingsOf(context), { message })
  refused({ port: '0' }, 'port must be 1..65535, got "0"')
  refused({ replicas: '4' }, 'replicas must be odd, got 4')
  refused({ commit: 'main' }, 'commit must be a full commit id of 40 hex digits, got "main"')
  refused({ repository: "https://x/'; reboot '" }, `repository must be a public URL, got "https://x/'; reboot '"`)
  refused({ keyPair: 'vockey' }, 'ssh needs both keyPair and sshFrom, got only keyPair')
  refused({ keyPair: 'vockey', sshFrom: '0.0.0.0/0' }, 'sshFrom must be /8 to /32, got 0.0.0.0/0')
  refused({ zone: 'us-east-1a' }, 'a volume to take over needs both dataVolume and zone, got only zone')
  t.throws(() => stackOf({ instanceType: 't4g.micro' }), /instanceType must be x86/)
  t.equal(settingsOf({ instanceProfile: 'arn:aws:iam::1:instance-profile/path/Lab' }).instanceProfile, 'Lab')
})

t.test('the repository is cloned without a key and without a password', async t => {
  t.equal(publicAddress('git@github.com:shop/bazaar.git'), 'https://github.com/shop/bazaar.git')
  t.equal(publicAddress('ssh://git@github.com/shop/bazaar.git'), 'https://github.com/shop/bazaar.git')
  t.equal(publicAddress('https://me:secret@github.com/shop/bazaar'), 'https://github.com/shop/bazaar')
  t.equal(publicAddress('/srv/bazaar'), null)
})

t.test('words that deploy does not know are refused', async t => {
  t.match(readOptions(['update', 'v2', '--cache', 'off', '--yes']), {
    ...{ command: 'update', words: ['v2'], context: { cache: 'off' }, yes: true },
  })
  t.match(readOptions(['bench', '--clients', '9']), { command: 'bench', words: ['--clients', '9'], context: {} })
  t.throws(() => readOptions(['statsu']), /no command "deploy statsu": it is one of status, logs/)
  t.throws(() => readOptions(['--prot', '80']), /Unknown option '--prot'; it takes --stack/)
  t.throws(() => readOptions(['logs', '--lines', '0']), /--lines must be 1..10000, got "0"/)
})

/** Functions of the script that the machine runs. */
function functionsOf(...names: string[]): string {
  const script = readFileSync(join(root, 'infra/lib/user-data.sh'), 'utf8')
  return names.map(name => new RegExp(`^${name}\\(\\) {$[\\s\\S]*?^}$`, 'm').exec(script)?.[0]).join('\n')
}

function run(...script: string[]) {
  return spawnSync('bash', ['-c', ['set -euo pipefail', ...script].join('\n')], { encoding: 'utf8' })
}

t.test('a package with another digest than the commit names is not unpacked', async t => {
  const home = mkdtempSync(join(folder, 'home-'))
  mkdirSync(join(home, 'registry/thing/-'), { recursive: true })
  mkdirSync(join(home, 'package'))
  writeFileSync(join(home, 'package/file'), 'content')
  const archive = join(home, 'registry/thing/-/thing-1.0.0.tgz')
  spawnSync('tar', ['-czf', archive, '-C', home, 'package'])
  const digest = createHash('sha512').update(readFileSync(archive))
  const integrity = `sha512-${digest.copy().digest('base64')}`
  writeFileSync(
    join(home, 'pnpm-lock.yaml'),
    `packages:\n\n  other-thing@1.0.0:\n    resolution: {integrity: sha512-AAAA}\n\n  thing@1.0.0:\n    resolution: {integrity: ${integrity}}\n`,
  )
  const variables = `home=${home} build=${home} REGISTRY=file://${home}/registry download_limit=10 attempts_max=1`
  const functions = functionsOf('locked', 'patiently', 'package')
  const bash = (command: string) => run(variables, functions, command)
  t.equal(bash('locked thing').stdout, `1.0.0 ${digest.digest('hex')}\n`)
  const tampered = bash(`package thing 1.0.0 ${'0'.repeat(128)}`)
  t.match(tampered, { status: 1, stdout: /FAILED/ })
  t.notOk(existsSync(join(home, 'thing-1.0.0')))
  t.equal(bash('package thing $(locked thing)').status, 0)
  t.equal(readFileSync(join(home, '.thing/file'), 'utf8'), 'content')
})

t.test('a volume that cannot be enlarged is used as it is, and the reason is told', async t => {
  const growWith = (status: number) => {
    const findmnt = 'findmnt() { echo /dev/xvdf; }'
    const resize2fs = `resize2fs() { echo "$1: said" >&2; return ${status}; }`
    return run('data=/data', findmnt, resize2fs, functionsOf('grow'), 'grow')
  }
  t.match(growWith(1), { status: 0, stdout: 'the volume was not enlarged: /dev/xvdf: said\n' })
  t.match(growWith(0), { status: 0, stdout: /^$/ })
})

t.test('only a blank disk is formatted, and only ours is used', async t => {
  const disk = join(folder, 'disk')
  writeFileSync(disk, '')
  // There is no block device that a test may have.
  const dataDevice = functionsOf('data_device')
    .replace(/for device in .*; do/, `for device in ${disk}; do`)
    .replace('[[ -b', '[[ -e')
  const deviceWith = (label: string, status: number) => {
    const blkid = `blkid() { echo "${label}"; return ${status}; }`
    return run('label=bazaar-data', blkid, 'mkfs.ext4() { echo formatted >&2; }', dataDevice, 'data_device')
  }
  t.match(deviceWith('', 2), { status: 0, stdout: `${disk}\n`, stderr: 'formatted\n' })
  t.match(deviceWith('bazaar-data', 0), { status: 0, stdout: `${disk}\n`, stderr: /^$/ })
  for (const [label, status] of [
    ['', 0],
    ['', 8],
    ['other', 0],
  ] as const)
    t.match(deviceWith(label, status), { status: 1, stdout: /^$/, stderr: /^$/ })
})

t.test('this build and the one before it stay, whatever their order was, and older ones go', async t => {
  const home = mkdtempSync(join(folder, 'home-'))
  const builds = { now: 'node-2', oldest: 'node-1', before: 'node-2' }
  for (const [at, [name, node]] of Object.entries(builds).entries()) {
    const build = join(home, 'builds', name)
    for (const path of [build, join(home, node)]) mkdirSync(path, { recursive: true })
    symlinkSync(join(home, node), join(build, '.node'))
    utimesSync(build, at + 1, at + 1)
  }
  t.equal(run(`home=${home} build=${home}/builds/now builds_kept=2`, functionsOf('tidy'), 'tidy').status, 0)
  t.same(readdirSync(join(home, 'builds')).sort(), ['before', 'now'])
  t.same(readdirSync(home).sort(), ['builds', 'node-2'], 'and what of the toolchain nobody uses any more')
})

t.test('what failed is told, with the step and the end of what it said', async t => {
  const log = join(folder, 'log')
  writeFileSync(log, 'bazaar: step code\nbazaar: step build\nout of memory\n')
  const variables = `log=${log} COMMIT=abc SIGNAL_URL=signal reason_bytes=14`
  const reportOf = (status: number) =>
    JSON.parse(run(variables, 'curl() { cat; }', functionsOf('report'), `report ${status}`).stdout.split('\n')[1] ?? '')
  t.match(reportOf(0), { Status: 'SUCCESS', Reason: 'commit abc sells', UniqueId: /./ })
  t.match(reportOf(1), { Status: 'FAILURE', Reason: /^step build failed: out of memory\s*$/ })
})

t.test('the first step that fails is reported, and a shutdown in the middle is not taken for success', async t => {
  const log = join(folder, 'log')
  const report = 'report() { echo "reported $1"; }'
  const mainWith = (...steps: string[]) =>
    run(`log=${log}`, report, `all_steps() { ${steps.join('; ')}; }`, functionsOf('main'), 'main')
  t.match(mainWith('echo sold'), { status: 0, stdout: 'sold\nreported 0\n' })
  t.match(mainWith('false', 'echo on'), { status: 1, stdout: /^reported 1\n$/ })
  t.match(mainWith('kill -TERM $$', 'echo on'), { signal: 'SIGTERM', stdout: /^(on\n)?$/ })
})

t.test('cdk-nag finds nothing but what is accepted, with its reason', async t => {
  const stack = stackOf()
  NagSuppressions.addStackSuppressions(stack, [
    { id: 'AwsSolutions-EC23', reason: 'a shop is open to the world, on its one public port' },
    { id: 'AwsSolutions-EC28', reason: 'detailed monitoring costs more than the machine tells by itself' },
    { id: 'AwsSolutions-EC29', reason: 'a machine holds nothing: the orders are on a volume that is retained' },
  ])
  Aspects.of(stack).add(new AwsSolutionsChecks())
  const annotations = Annotations.fromStack(stack)
  const found = [
    ...annotations.findError('*', Match.anyValue()),
    ...annotations.findWarning('*', Match.stringLikeRegexp('AwsSolutions')),
  ]
  t.same(
    found.map(({ id, entry }) => `${id}: ${entry.data}`),
    [],
  )
})

t.test('cdk synth works with no network and no credentials, and cfn-lint and shellcheck agree with it', async t => {
  const env = { ...process.env, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
  const synth = ['node_modules/.bin/cdk', 'synth', '--quiet', '--output', folder]
  const offline = spawnSync('unshare', ['--net', 'true']).status === 0 ? ['unshare', '--net', '--'] : []
  const [program = '', ...words] = [...offline, ...synth]
  const { status, stderr } = spawnSync(program, words, { cwd: join(root, 'infra'), env, encoding: 'utf8' })
  t.equal(status, 0, stderr)
  const file = join(folder, 'Bazaar.template.json')
  const template = JSON.parse(readFileSync(file, 'utf8')) as Template
  t.same(Object.values(template.Parameters ?? {}), [
    { Type: 'AWS::EC2::Image::Id', Description: 'Ubuntu 24.04 for amd64; looked up when there are credentials' },
  ])
  lint(t, 'cfn-lint', [file])
  const script = join(folder, 'user-data.sh')
  const [, shell = ''] = /\n(#!\/bin\/bash\n[\s\S]*?)\n--\+AWS/.exec(userDataOf(template)) ?? []
  writeFileSync(script, shell)
  lint(t, 'bash', ['-n', script])
  lint(t, 'shellcheck', [script])
})

function lint(t: Test, program: string, words: string[]): void {
  const { error, status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' })
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') t.pass(program, { skip: 'not installed' })
  else t.equal(status, 0, `${program}: ${stdout}${stderr}`)
}

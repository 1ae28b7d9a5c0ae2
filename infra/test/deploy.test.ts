import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ec2 from '@aws-sdk/client-ec2'
import t from 'tap'
import { Aws, copyOfInfra, type Ended, freePort, hasMoto, image, region, root, run, startTied } from './aws.ts'

if (!hasMoto()) {
  t.pass('deployments', { skip: 'needs moto (python3 -m moto.server)' })
} else {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-aws-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const repository = join(folder, 'repository')
  const git = (...words: string[]) => {
    const author = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false']
    return execFileSync('git', ['-C', repository, ...author, ...words], { encoding: 'utf8' }).trim()
  }
  execFileSync('git', ['init', '--quiet', repository])
  const commitOnce = () => git('commit', '--quiet', '--allow-empty', '--message', 'one') || git('rev-parse', 'HEAD')
  const [first, second] = [commitOnce(), commitOnce()]

  const aws = await Aws.start(folder)
  t.teardown(() => aws.stop())
  const infra = copyOfInfra(folder)
  const port = await freePort()
  const settings = ['--repository', `file://${repository}`, '--port', String(port)]
  const environment = aws.environment()
  const deploy = (...words: string[]) => run(process.execPath, ['bin/deploy.ts', ...words], infra, environment)
  const cdk = (...words: string[]) => run('node_modules/.bin/cdk', words, infra, environment)
  // Change sets are beyond the imitation.
  const diff = ['diff', '--fail', '--method', 'template']
  const deployNow = ['deploy', '--method', 'direct', '--require-approval', 'never']
  const client = new ec2.EC2Client({
    region,
    endpoint: aws.url,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const live = [{ Name: 'instance-state-name', Values: ['pending', 'running', 'stopped'] }]
  const instances = async () => {
    const { Reservations = [] } = await client.send(new ec2.DescribeInstancesCommand({ Filters: live }))
    return Reservations.flatMap(({ Instances = [] }) => Instances)
  }
  const volumes = async () => (await client.send(new ec2.DescribeVolumesCommand({}))).Volumes ?? []
  const ok = ({ status, stdout, stderr }: Ended) => (status === 0 ? '' : `${stdout}\n${stderr}`)

  await t.test('what stands in the way is found before anything is made, with what to do', async t => {
    const refused = async (pattern: RegExp, ...words: string[]) => {
      const { status, stderr } = await deploy(...settings, '--commit', first, ...words)
      t.match({ status, stderr }, { status: 1, stderr: pattern })
    }
    await Promise.all([
      refused(/no key pair lost: it has none/, '--key-pair', 'lost', '--ssh-from', '192.0.2.7/32'),
      refused(/does not offer t2.giant: try --instance-type/, '--instance-type', 't2.giant'),
      refused(/commit 0+ cannot be fetched .*is it pushed/, '--commit', '0'.repeat(40)),
    ])
    const { AWS_ACCESS_KEY_ID: _, ...without } = environment
    const lost = await run(process.execPath, ['bin/deploy.ts', ...settings, '--commit', first], infra, without)
    t.match(lost, { status: 1, stderr: /no credentials .*in a Learner Lab: .*elsewhere: aws configure/ })
    t.match(await deploy('update', ...settings, first), { status: 1, stderr: /no machine of Bazaar in us-east-1/ })
    t.same(await instances(), [])
    t.same(await volumes(), [])
  })

  await t.test('bazaar deploy makes one t2.micro with the user-data, and orders something there', async t => {
    const shop = startShop()
    t.teardown(() => stopShop(shop))
    const { status, stdout, stderr } = await deploy(...settings, '--commit', first)
    t.equal(status, 0, stderr)
    t.match(stdout, /order \d+: one Tux for 25.99, and it reads back/)
    t.match(stdout, new RegExp(`the shop +http://[0-9.]+:${port}`))
    const [machine, ...others] = await instances()
    t.same(others, [])
    t.match(machine, { InstanceType: 't2.micro', ImageId: image, State: { Name: 'running' } })
    const question = { InstanceId: machine?.InstanceId, Attribute: 'userData' } as const
    const { UserData } = await client.send(new ec2.DescribeInstanceAttributeCommand(question))
    const userData = Buffer.from(UserData?.Value ?? '', 'base64').toString('utf8')
    t.match(userData, `readonly COMMIT='${first}'`)
    t.match(userData, '[scripts-user, always]')
    const replicas = (await deploy('status')).stdout.matchAll(/order-\d +(\w+) +at \d+, 0 behind/g)
    t.same(Array.from(replicas, ([, role]) => role).sort(), ['follower', 'follower', 'leader'])
  })

  await t.test('nothing differs from what runs, by plain cdk as well', async t => {
    t.equal(ok(await cdk(...diff, '--context', `commit=${first}`)), '')
    const known = JSON.parse(readFileSync(join(infra, 'cdk.context.json'), 'utf8'))
    t.match(Object.values(known), [String(port), `file://${repository}`, image], 'settings and image are remembered')
  })

  await t.test('destroy asks, and leaves nothing but the volume with the orders', async t => {
    t.match(await deploy('destroy'), { status: 1, stderr: /say --yes/ })
    const { status, stdout, stderr } = await deploy('destroy', '--yes')
    t.equal(status, 0, stderr)
    const [count, volume] = await dataVolumes()
    t.equal(count, 1)
    t.match(stdout, new RegExp(`${volume} is kept: bazaar deploy --data-volume ${volume} --zone us-east-1`))
    t.same(await instances(), [])
    const { SecurityGroups = [] } = await client.send(new ec2.DescribeSecurityGroupsCommand({}))
    t.same(
      SecurityGroups.map(({ GroupName }) => GroupName),
      ['default'],
    )
  })

  await t.test('a later deployment takes the volume over', async t => {
    const [volume] = await volumes()
    const context = [`commit=${first}`, `dataVolume=${volume?.VolumeId}`, `zone=${volume?.AvailabilityZone}`]
    const words = context.flatMap(word => ['--context', word])
    t.equal(ok(await cdk(...deployNow, ...words)), '')
    t.match(await volumes(), [{ VolumeId: volume?.VolumeId, State: 'in-use' }])
    t.equal(ok(await cdk('destroy', '--force', ...words)), '')
    t.match(await volumes(), [{ VolumeId: volume?.VolumeId, State: 'available' }])
  })

  await t.test('destroy --with-data deletes the volume as well, and what was remembered of it', async t => {
    const [volume] = await volumes()
    const memory = join(infra, 'cdk.context.json')
    const known = JSON.parse(readFileSync(memory, 'utf8'))
    const adopted = { dataVolume: volume?.VolumeId, zone: volume?.AvailabilityZone }
    writeFileSync(memory, JSON.stringify({ ...known, ...adopted }))
    t.equal(ok(await deploy('destroy', '--yes', '--with-data')), '')
    t.same(await volumes(), [])
    t.same(JSON.parse(readFileSync(memory, 'utf8')), known)
  })

  // Last, for the imitation loses sight of a machine that was updated, and cannot destroy it.
  await t.test('another commit is an update of the same machine and volume', async t => {
    t.equal(ok(await cdk(...deployNow, '--context', `commit=${first}`)), '')
    const [before] = await instances()
    const [, volume] = await dataVolumes()
    t.equal((await cdk(...diff, '--context', `commit=${second}`)).status, 1)
    const shop = startShop()
    t.teardown(() => stopShop(shop))
    const { status, stderr } = await deploy('update', second)
    t.equal(status, 0, stderr)
    t.match(stderr, `Bazaar.Commit = ${second}`)
    t.same(
      (await instances()).map(({ InstanceId }) => InstanceId),
      [before?.InstanceId],
    )
    t.same(await dataVolumes(), [1, volume])
    t.equal(ok(await cdk(...diff, '--context', `commit=${second}`)), '')
  })

  /** How many volumes with orders there are, and the first one's id. */
  async function dataVolumes(): Promise<[number, string | undefined]> {
    const found = (await volumes()).filter(({ Tags = [] }) => Tags.some(({ Key }) => Key === 'bazaar:stack'))
    return [found.length, found[0]?.VolumeId]
  }

  /** The imitation gives out addresses of loopback: a shop on this machine answers on any of them. */
  function startShop(): ChildProcess {
    const words = ['up', '--host', '0.0.0.0', '--port', String(port), '--data', join(folder, 'data')]
    return startTied(process.execPath, [join(root, 'packages/cli/dist/main.js'), ...words], process.env)
  }

  async function stopShop(shop: ChildProcess): Promise<void> {
    const exit = new Promise(resolve => shop.once('exit', resolve))
    shop.kill('SIGINT')
    await exit
  }
}

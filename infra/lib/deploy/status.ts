import type { DeployedMachine } from './cloud.ts'
import { nothingThere } from './deploy.ts'
import type { Deployment } from './deployment.ts'

const answerTimeoutMs = 5_000

/** A replica or catalog as `GET /cluster` has it, as far as it is shown. */
interface Process {
  name: string
  role: string
  commitIndex?: number
  appliedIndex?: number
  lag?: number
  rssMiB?: number
}

/** Shows the machine, its volumes and its processes. Returns 0 when the shop is ready. */
export async function status({ cloud, settings }: Deployment): Promise<number> {
  const { stackName } = settings
  const [machine, volumes] = await Promise.all([cloud.machine(stackName), cloud.dataVolumes(stackName)])
  for (const { id, state, sizeGiB, zone } of volumes) console.log(`volume   ${id} ${state}, ${sizeGiB} GiB in ${zone}`)
  if (machine === null) {
    console.log(nothingThere(settings, await cloud.region()))
    return 1
  }
  const { id, state, type, zone, imageId, launchTime, commit } = machine
  console.log(
    `machine  ${id} ${state}, ${type} in ${zone}, ${imageId}, since ${launchTime?.toISOString() ?? 'unknown'}`,
  )
  console.log(`commit   ${commit}`)
  return shop(machine)
}

/** The address of a machine's shop, or null while it has none. */
export function urlOf({ address, port }: DeployedMachine): string | null {
  if (address === null) return null
  return `http://${address}${port === 80 ? '' : `:${port}`}`
}

async function shop(machine: DeployedMachine): Promise<number> {
  const url = urlOf(machine)
  if (url === null) {
    console.log('shop     has no address')
    return 1
  }
  const ready = await ask(`${url}/ready`)
  console.log(`shop     ${url} ${ready?.ok === true ? 'is ready' : `is not ready (${ready?.status ?? 'no answer'})`}`)
  const cluster = await ask(`${url}/cluster`)
  if (cluster?.ok === true) {
    const { data } = (await cluster.json()) as { data: { replicas: Process[]; catalogs: Process[] } }
    for (const process of [...data.replicas, ...data.catalogs]) console.log(`         ${line(process)}`)
  }
  return ready?.ok === true ? 0 : 1
}

function line({ name, role, commitIndex, appliedIndex, lag, rssMiB }: Process): string {
  if (role === 'down') return `${name.padEnd(11)} down`
  const memory = rssMiB === undefined ? '' : `, ${Math.round(rssMiB)} MiB`
  return `${name.padEnd(11)} ${role.padEnd(9)} at ${commitIndex ?? appliedIndex}, ${lag} behind${memory}`
}

async function ask(url: string): Promise<Response | null> {
  return fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) }).catch(() => null)
}

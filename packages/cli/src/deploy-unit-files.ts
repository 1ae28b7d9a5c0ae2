import { join } from 'node:path'
import type { ProcessSpec } from '@bazaar/cluster'

/** A file for a machine with systemd, and the unit to restart when it is another than before. */
export interface MachineFile {
  name: string
  text: string
  mode: number
  unit: string
}

export interface UnitOptions {
  /** Absolute path of the data folder, where a volume is mounted. */
  data: string
  user: string
  /** Absolute path of Node. */
  node: string
  /** Absolute path of the folder that the files go to. */
  folder: string
}

/** Variables that are nobody's business; the text of a unit is everybody's. */
const secrets = ['ADMIN_TOKEN']
/** Ports below this are for who has CAP_NET_BIND_SERVICE. */
const firstUnprivilegedPort = 1024
/**
 * Of the machine's memory. A process that has lost its bounds is restarted, before the others feel it. Idle, one takes 60
 * to 80 MiB; of a t2.micro these are about 170 and 220 MiB, and a replica takes 12 MiB more for each million of orders.
 */
const memoryHigh = '18%'
const memoryMax = '23%'
const target = 'bazaar.target'

/** A unit for every process, a file for its secrets when it has some, and the target that stands for all of them. */
export function unitFiles(processes: readonly ProcessSpec[], options: UnitOptions): MachineFile[] {
  const units = processes.map(({ name }) => unitName(name))
  const text = `[Unit]
Description=Bazaar: all its processes
Wants=${units.join(' ')}

[Install]
WantedBy=multi-user.target
`
  return [{ name: target, text, mode: 0o644, unit: target }, ...processes.flatMap(process => filesOf(process, options))]
}

function unitName(process: string): string {
  return `bazaar-${process}.service`
}

function filesOf(process: ProcessSpec, options: UnitOptions): MachineFile[] {
  const unit = unitName(process.name)
  const secret = Object.entries(process.env).filter(([key, value]) => secrets.includes(key) && value !== '')
  const secretsName = `bazaar-${process.name}.env`
  const secretsPath = secret.length === 0 ? null : join(options.folder, secretsName)
  const service = { name: unit, text: serviceText(process, secretsPath, options), mode: 0o644, unit }
  if (secret.length === 0) return [service]
  const text = secret.map(([key, value]) => `${key}=${value}\n`).join('')
  return [service, { name: secretsName, text, mode: 0o600, unit }]
}

function serviceText({ name, entry, env }: ProcessSpec, secretsPath: string | null, options: UnitOptions): string {
  const { data, user, node } = options
  const open = Object.entries(env).filter(([key]) => !secrets.includes(key))
  return `[Unit]
Description=Bazaar: ${name}
PartOf=${target}
After=network.target
# Never on the bare folder beneath a volume that is missing.
RequiresMountsFor=${data}
ConditionPathIsMountPoint=${data}
# However often it dies, it is started again.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${node} ${entry}
${open.map(([key, value]) => `Environment="${key}=${value}"`).join('\n')}
${secretsPath === null ? '' : `EnvironmentFile=${secretsPath}\n`}User=${user}
WorkingDirectory=${data}
Restart=always
RestartSec=200ms
TimeoutStopSec=10s
# The console can be read from outside, with no way in: \`bazaar deploy logs\`.
StandardOutput=journal+console
StandardError=journal+console
SyslogIdentifier=bazaar-${name}
LimitNOFILE=65536
MemoryHigh=${memoryHigh}
MemoryMax=${memoryMax}
TasksMax=64
${networkOf(env)}
${hardening}
ReadWritePaths=${data}
`
}

/** Only the front-end has a network, and not even that reaches the machine's metadata; the others have unix sockets. */
function networkOf(env: Record<string, string>): string {
  const port = env.BAZAAR_PORT
  if (port === undefined) return 'PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX\nCapabilityBoundingSet='
  const capability = Number(port) < firstUnprivilegedPort ? 'CAP_NET_BIND_SERVICE' : ''
  // Node asks netlink for its own addresses.
  return `RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
IPAddressDeny=169.254.169.254
CapabilityBoundingSet=${capability}
AmbientCapabilities=${capability}`
}

/** Not MemoryDenyWriteExecute: V8 compiles to memory that it then runs. */
const hardening = `NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM`

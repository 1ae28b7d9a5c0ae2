import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheEntriesMax, portMax } from '@bazaar/client'
import { adminTokenOf, defaultSettings, topology } from '@bazaar/cluster'
import { defineCommand } from 'citty'
import { type MachineFile, unitFiles } from './deploy-unit-files.ts'
import { integerOption } from './option-values.ts'
import { replicasOption } from './replicas-option.ts'

const defaults = { cache: String(defaultSettings.cache), replicas: String(defaultSettings.replicas) }

export const unitsCommand = defineCommand({
  meta: { name: 'deploy units', description: 'Writes a systemd unit for each process; prints those that changed.' },
  args: {
    to: { type: 'string', default: '/etc/systemd/system', valueHint: 'FOLDER', description: 'where units go' },
    data: { type: 'string', default: '/var/lib/bazaar', valueHint: 'FOLDER', description: 'absolute path of the data' },
    user: { type: 'string', default: 'bazaar', valueHint: 'USER', description: 'who the processes run as' },
    port: { type: 'string', default: '80', valueHint: 'N', description: 'TCP port' },
    cache: { type: 'string', default: defaults.cache, valueHint: 'N', description: 'products in the cache' },
    replicas: { type: 'string', default: defaults.replicas, valueHint: 'N', description: 'order replicas' },
  },
  run({ args }) {
    const { to, data, user } = args
    const replicas = replicasOption(args.replicas, data)
    const settings = {
      ...defaultSettings,
      host: '0.0.0.0',
      port: integerOption('port', args.port, 1, portMax),
      cache: integerOption('cache', args.cache, 0, cacheEntriesMax),
      replicas,
      adminToken: adminTokenOf(data),
    }
    const files = unitFiles(topology(settings, data), { data, user, node: process.execPath, folder: to })
    const changed = files.filter(file => writeIfOther(to, file)).map(({ unit }) => unit)
    for (const unit of new Set(changed)) console.log(unit)
  },
})

function writeIfOther(folder: string, { name, text, mode }: MachineFile): boolean {
  const path = join(folder, name)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false
  rmSync(path, { force: true })
  writeFileSync(path, text, { mode })
  return true
}

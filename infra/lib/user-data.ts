import { readFileSync } from 'node:fs'
import { MultipartBody, MultipartUserData } from 'aws-cdk-lib/aws-ec2'
import type { Settings } from './settings.ts'

/** cloud-init runs a script once for each instance unless it is told otherwise; a new commit comes with a restart. */
const everyBoot = `#cloud-config
cloud_final_modules:
- [scripts-user, always]
`

/**
 * What the machine is told at its start: the script `user-data.sh` with its settings in front, for cloud-init to run
 * on every boot.
 *
 * @param signalUrl where the machine says how it went
 * @returns a MIME message in plain text
 */
export function userData(settings: Settings, signalUrl: string): string {
  const variables = {
    REPOSITORY: settings.repository,
    COMMIT: settings.commit,
    REGISTRY: settings.registry,
    PORT: settings.port,
    CACHE: settings.cache,
    REPLICAS: settings.replicas,
    SIGNAL_URL: signalUrl,
  }
  const assignments = Object.entries(variables).map(([name, value]) => `readonly ${name}=${quote(String(value))}`)
  const script = readFileSync(new URL('user-data.sh', import.meta.url), 'utf8')
  const message = new MultipartUserData()
  message.addPart(part('text/cloud-config', everyBoot))
  message.addPart(part('text/x-shellscript', ['#!/bin/bash', ...assignments, script].join('\n')))
  return message.render()
}

function part(contentType: string, body: string): MultipartBody {
  return MultipartBody.fromRawBody({ contentType: `${contentType}; charset="utf-8"`, body })
}

/** Settings are checked to have no quote; this asserts that it stays so. */
function quote(value: string): string {
  if (value.includes("'")) throw new Error(`a setting must not have a quote, got ${value}`)
  return `'${value}'`
}

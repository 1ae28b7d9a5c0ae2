import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isExecutable, root, run } from './run.ts'

const infra = join(root, 'infra')
const cdk = join(infra, 'node_modules/.bin/cdk')

/** What keeps a template from being made here, or null. */
export function whyNoTemplate(): string | null {
  return isExecutable(cdk) ? null : 'the dependencies of infra are not installed (bazaar deploy installs them)'
}

export interface Template {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown>; DeletionPolicy?: string }>
}

/** `cdk synth` with this context, without credentials, into this folder. */
export async function synthesise(context: Record<string, string>, folder: string): Promise<Template> {
  await run(cdk, ['synth', '--quiet', '--output', folder, ...contextArguments(context)], {
    cwd: infra,
    env: withoutCredentials(),
  })
  return JSON.parse(readFileSync(join(folder, 'Bazaar.template.json'), 'utf8')) as Template
}

function contextArguments(context: Record<string, string>): string[] {
  return Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`])
}

/** The user-data as the machine gets it, the reference to the wait handle being replaced by an address. */
export function userDataOf({ Resources }: Template, signalUrl: string): string {
  const { Properties } = Object.values(Resources).find(({ Type }) => Type === 'AWS::EC2::Instance') ?? {}
  if (Properties === undefined) throw new Error('the template has no instance')
  const { UserData } = Properties as { UserData: { 'Fn::Base64': { 'Fn::Join': [string, unknown[]] } } }
  const [separator, parts] = UserData['Fn::Base64']['Fn::Join']
  return parts.map(part => (typeof part === 'string' ? part : signalUrl)).join(separator)
}

function withoutCredentials(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  const nowhere = {
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  return { ...Object.fromEntries(kept), ...nowhere }
}

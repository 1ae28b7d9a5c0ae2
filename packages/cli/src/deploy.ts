import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CommandDef, runCommand } from 'citty'
import { checkArguments } from './command-line.ts'
import { checkCommand } from './deploy-check.ts'
import { installInfra } from './deploy-install.ts'
import { unitsCommand } from './deploy-units.ts'
import { helpOf } from './help.ts'
import { exitStatus } from './usage-error.ts'

/** What a deployed machine does for itself, without the tools for AWS. */
const onTheMachine: Record<string, unknown> = { units: unitsCommand, check: checkCommand }

/**
 * `bazaar deploy …`: a machine's own sub-commands run here; all others are the program `infra/bin/deploy.ts`, whose
 * dependencies are installed when they are first needed.
 *
 * @returns the exit status
 */
export async function deploy(rawArgs: readonly string[]): Promise<number> {
  const [name = '', ...rest] = rawArgs
  if (Object.hasOwn(onTheMachine, name)) return runOwn(onTheMachine[name] as CommandDef, rest)
  const isHelp = rawArgs.includes('--help') || rawArgs.includes('-h')
  const infra = fileURLToPath(new URL('../../../infra', import.meta.url))
  if (!isHelp) installInfra(infra)
  return exitStatusOf(process.execPath, [join(infra, 'bin/deploy.ts'), ...rawArgs])
}

async function runOwn(command: CommandDef, rawArgs: readonly string[]): Promise<number> {
  if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
    console.log(await helpOf(command))
    return exitStatus.ok
  }
  await checkArguments(command, rawArgs)
  await runCommand(command, { rawArgs: [...rawArgs] })
  return Number(process.exitCode ?? exitStatus.ok)
}

/** Ctrl-C reaches the program itself, which then decides; this only waits for it. */
async function exitStatusOf(program: string, args: readonly string[]): Promise<number> {
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    const child = spawn(program, args, { stdio: 'inherit' })
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject).once('exit', status => resolve(status ?? exitStatus.failed))
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}

#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { BazaarError, ConnectionError, SocketPathError } from '@bazaar/client'
import { ClusterError } from '@bazaar/cluster'
import { type CommandDef, runCommand } from 'citty'
import { checkArguments } from './command-line.ts'
import { helpOf } from './help.ts'
import { isInterrupted } from './interruption.ts'
import { exitStatus, UsageError } from './usage-error.ts'

interface Entry {
  summary: string
  /** Loads the command, and with it only what this command needs. */
  load(): Promise<unknown>
}

/** A command with commands of its own, which reads its words itself and returns the exit status. */
interface Family {
  summary: string
  run(rawArgs: readonly string[]): Promise<number>
}

const commands: Record<string, Entry | Family> = {
  up: { summary: 'start the shop and keep it running', load: async () => (await import('./up.ts')).upCommand },
  status: {
    summary: 'show every process of a running shop',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  kill: {
    summary: 'kill a process; it is started again',
    load: async () => (await import('./control.ts')).killCommand,
  },
  pause: { summary: 'stop a process in its tracks', load: async () => (await import('./control.ts')).pauseCommand },
  resume: { summary: 'let a paused process go on', load: async () => (await import('./control.ts')).resumeCommand },
  start: { summary: 'start a process that is down', load: async () => (await import('./control.ts')).startCommand },
  bench: { summary: 'measure look-ups and orders', load: async () => (await import('./bench.ts')).benchCommand },
  chaos: {
    summary: 'kill and pause processes while clients shop, and check what is left',
    load: async () => (await import('./chaos.ts')).chaosCommand,
  },
  test: {
    summary: 'run every check and test of the project',
    load: async () => (await import('./test.ts')).testCommand,
  },
  deploy: {
    summary: 'put the shop on a machine in AWS',
    run: async rawArgs => (await import('./deploy.ts')).deploy(rawArgs),
  },
}

const help = `Bazaar takes orders for a shop and does not lose them.

Usage: bazaar COMMAND [OPTIONS]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`)
  .join('\n')}

bazaar COMMAND --help tells a command's options.`

let outputFailed = false
/** A terminal that went away (`bazaar up | head`) must not take the shop with it; anything else is a result that is lost. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || outputFailed) return
  outputFailed = true
  console.error(`bazaar: standard output cannot be written: ${error.message}`)
  process.exitCode = exitStatus.failed
})
process.stderr.on('error', () => {})
const status = await main(process.argv.slice(2)).catch(explain)
process.exitCode = outputFailed ? exitStatus.failed : status

async function main([name, ...rawArgs]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h' || name === 'help') return say(help)
  if (name === '--version') return say(version())
  if (name === undefined) {
    console.error(help)
    return exitStatus.usage
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    throw new UsageError(`no command ${JSON.stringify(name)}: it is one of ${Object.keys(commands).join(', ')}`)
  }
  if ('run' in entry) return entry.run(rawArgs)
  const command = (await entry.load()) as CommandDef
  if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
    return say(await helpOf(command))
  }
  await checkArguments(command, rawArgs)
  await runCommand(command, { rawArgs })
  return Number(process.exitCode ?? exitStatus.ok)
}

/** Says on standard error what went wrong and returns the exit status. What nobody foresaw keeps its stack. */
function explain(error: unknown): number {
  if (isInterrupted()) return exitStatus.failed
  const kinds = [UsageError, ClusterError, ConnectionError, BazaarError, SocketPathError]
  // A system call that fails, as on a full disk, says itself what it wanted, and of what.
  const foreseen = kinds.some(kind => error instanceof kind) || (error instanceof Error && 'syscall' in error)
  console.error(foreseen ? `bazaar: ${(error as Error).message}` : error)
  const isUsage = error instanceof UsageError || (error instanceof ClusterError && error.reason === 'UNKNOWN_PROCESS')
  return isUsage ? exitStatus.usage : exitStatus.failed
}

function say(text: string): number {
  console.log(text)
  return exitStatus.ok
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

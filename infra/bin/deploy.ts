import { DeployError, UsageError } from '../lib/deploy/errors.ts'
import { helpText } from '../lib/deploy/help.ts'
import { type Options, readOptions } from '../lib/deploy/options.ts'

const exitStatus = { failed: 1, usage: 2 } as const

process.exitCode = await main(process.argv.slice(2)).catch(explain)

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (options.help) {
    console.log(helpText)
    return 0
  }
  return run(options)
}

/** The SDK takes a while to load, and help and mistakes do not need it. */
async function run(options: Options): Promise<number> {
  const { deploymentOf } = await import('../lib/deploy/deployment.ts')
  const deployment = deploymentOf(options)
  switch (options.command) {
    case 'deploy':
      return (await import('../lib/deploy/deploy.ts')).deploy(deployment, 'any')
    case 'update':
      return (await import('../lib/deploy/deploy.ts')).deploy(deployment, 'existing')
    case 'status':
      return (await import('../lib/deploy/status.ts')).status(deployment)
    case 'logs':
      return (await import('../lib/deploy/logs.ts')).logs(deployment, options.lines)
    case 'bench':
      return (await import('../lib/deploy/bench.ts')).bench(deployment, options.words)
    case 'destroy':
      return (await import('../lib/deploy/destroy.ts')).destroy(deployment, options)
  }
}

/** Says on standard error what went wrong and returns the exit status. What nobody foresaw keeps its stack. */
function explain(error: unknown): number {
  const foreseen = error instanceof DeployError || error instanceof UsageError
  console.error(foreseen ? `bazaar: ${error.message}` : error)
  return error instanceof UsageError ? exitStatus.usage : exitStatus.failed
}

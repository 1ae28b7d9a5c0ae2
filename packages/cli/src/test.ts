import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { defineCommand } from 'citty'
import { installInfra } from './deploy-install.ts'
import { type FileResult, TapReader } from './tap-reader.ts'
import { exitStatus } from './usage-error.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const bin = join(root, 'node_modules/.bin')
/** Whole-system tests that start no process; the others measure stalls and do not like company. */
const systemTestsWithoutProcesses = [
  'test/bootstrap.test.ts',
  'test/imports.test.ts',
  'test/limits.test.ts',
  'test/simulation.test.ts',
]
const fileTimeoutSeconds = 400
const soakTimeoutSeconds = 7200

export const testCommand = defineCommand({
  meta: { name: 'test', description: 'Runs every check and test of the project.' },
  args: {
    unit: { type: 'boolean', default: false, description: 'only the tests that start no cluster' },
    soak: { type: 'boolean', default: false, description: 'random tests run for hours instead of seconds' },
  },
  async run({ args }) {
    const isUnit = (file: string) => !/^(test|infra)\//.test(file) || systemTestsWithoutProcesses.includes(file)
    const withInfra = !args.unit && hasInfra()
    const files = testFiles(withInfra)
    const soak = args.soak ? { BAZAAR_SOAK: '1' } : {}
    const environment = { ...process.env, PATH: [bin, process.env.PATH].join(delimiter), ...soak }
    const timeout = args.soak ? soakTimeoutSeconds : fileTimeoutSeconds
    const totals: Totals = { passed: 0, failed: 0 }
    await runChecks(withInfra, totals, environment)
    await runTap(files.filter(isUnit), availableParallelism(), timeout, totals, environment)
    if (!args.unit)
      await runTap(
        files.filter(file => !isUnit(file)),
        1,
        timeout,
        totals,
        environment,
      )
    console.log(`\n${totals.passed} passed, ${totals.failed} failed`)
    process.exitCode = totals.failed === 0 ? exitStatus.ok : exitStatus.failed
  },
})

interface Totals {
  passed: number
  failed: number
}

function testFiles(withInfra: boolean): string[] {
  const folders = ['packages/*', 'apps/*', ...(withInfra ? ['infra'] : []), '.']
  return globSync(
    folders.map(folder => `${folder}/test/**/*.test.ts`),
    { cwd: root },
  ).sort()
}

/** Installs what the tests of deployments need and the first use of `bazaar` left out; says so when that cannot be. */
function hasInfra(): boolean {
  try {
    installInfra(join(root, 'infra'))
    return true
  } catch (error) {
    console.log(`skipped  infra: ${(error as Error).message}`)
    return false
  }
}

/** Types, style and dead code; each counts as one test. */
async function runChecks(withInfra: boolean, totals: Totals, env: NodeJS.ProcessEnv): Promise<void> {
  const checks = [
    ['types', 'tsc', '-p', 'test/tsconfig.json'],
    ...(withInfra ? [['types of infra', 'tsc', '-p', 'infra'] as const] : []),
    ['style', 'biome', 'check', '--error-on-warnings', '.'],
    ['dead code', 'knip'],
  ] as const
  const run = async ([name, program, ...args]: (typeof checks)[number]) => {
    const began = performance.now()
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const exit = new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject))
    const output = await Promise.all([text(child.stdout), text(child.stderr)])
    const isOk = (await exit) === 0
    totals[isOk ? 'passed' : 'failed'] += 1
    console.log(verdict(isOk, name, '', performance.now() - began))
    if (!isOk) console.log(output.join('\n').trim())
  }
  await Promise.all(checks.map(run))
}

async function runTap(
  files: string[],
  jobs: number,
  timeoutSeconds: number,
  totals: Totals,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (files.length === 0) return
  const args = ['run', '--reporter=tap', `--jobs=${jobs}`, `--timeout=${timeoutSeconds}`, ...files]
  const child = spawn('tap', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject))
  let failedHere = 0
  const reader = new TapReader(result => {
    totals.passed += result.passed
    failedHere += result.failed
    report(result)
  })
  for await (const line of createInterface({ input: child.stdout })) reader.push(line)
  reader.end()
  const status = await exit
  if (status !== 0 && failedHere === 0) {
    failedHere = 1
    console.log(`FAILED   tap ended with status ${status} although no test failed`)
  }
  totals.failed += failedHere
}

function report({ file, passed, failed, skipped, failures, ms }: FileResult): void {
  console.log(verdict(failed === 0, file, `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}`, ms))
  for (const name of skipped) console.log(`skipped  ${name}`)
  for (const { name, details } of failures) {
    console.log(`\n  ✖ ${name}`)
    for (const line of telling(details)) console.log(`    ${line}`)
    console.log()
  }
}

/** The details without what the stack says too: the place (`at`) and the lines around it (`source`). */
function telling(details: readonly string[]): string[] {
  let section = ''
  return details.filter(line => {
    section = /^(\w+):/.exec(line)?.[1] ?? section
    return section !== 'at' && section !== 'source' && line.trim() !== ''
  })
}

function verdict(isOk: boolean, name: string, counts: string, ms: number): string {
  return `${isOk ? 'ok    ' : 'FAILED'}   ${name.padEnd(52)} ${counts.padStart(22)} ${(ms / 1000).toFixed(1).padStart(6)} s`
}

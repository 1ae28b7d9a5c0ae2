import { globSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Which parts of the project a part may import. */
const arrows: Record<string, readonly string[]> = {
  'packages/raft': [],
  'packages/client': [],
  'packages/linearizability': ['packages/client'],
  'packages/service': ['packages/client'],
  'packages/cluster': ['packages/client'],
  'packages/cli': ['packages/cluster', 'packages/client', 'packages/linearizability'],
  'apps/order': ['packages/service', 'packages/client', 'packages/raft'],
  'apps/catalog': ['packages/service', 'packages/client'],
  'apps/frontend': ['packages/service', 'packages/client'],
  infra: [],
}

const linesMax = 300
/** Longer files, each with its reason. */
const longFiles: Record<string, string> = {
  'apps/order/src/raft-log/driver.ts': 'one loop: what becomes of an effect reads in the order in which it happens',
}

interface Source {
  /** `apps/order/src/main.ts` */
  path: string
  /** `apps/order` */
  part: string
  text: string
  /** The text without its comments. */
  code: string
  imports: string[]
}

const sources = globSync(['{apps,packages}/*/src/**/*.ts', 'infra/{bin,lib}/**/*.ts'], { cwd: root })
  .sort()
  .map(readSource)

t.ok(sources.length > 50, 'the sources are found')

t.test('imports run one way', async t => {
  none(t, ({ part, imports }) => {
    const allowed = [part, ...(arrows[part] ?? [])]
    if (arrows[part] === undefined) return [`${part} has no place in this test's list of arrows`]
    return imports.filter(name => name.startsWith('@bazaar/') && !allowed.includes(partOf(name)))
  })
})

t.test('what is imported is named in so many words, so that nothing escapes these rules', async t => {
  none(t, ({ code }) => code.match(/\bimport\((?!\s*').*|\b(?:createRequire|require)\(.*/g) ?? [])
})

t.test('a relative import stays in its own part', async t => {
  none(t, ({ path, part, imports }) => {
    const leaves = (name: string) => relative(resolve(root, part), resolve(root, dirname(path), name)).startsWith('..')
    return imports.filter(name => name.startsWith('.') && leaves(name))
  })
})

t.test('the core of Raft needs nothing: no package, no module of Node, no clock, no dice', async t => {
  const world =
    /\b(?:Date\.now|new Date|performance\.|setTimeout|setInterval|setImmediate|Math\.random|process\.|crypto\.)/g
  none(t, ({ part, code, imports }) => {
    if (part !== 'packages/raft') return []
    return [...imports.filter(name => !name.startsWith('./')), ...(code.match(world) ?? [])]
  })
})

t.test('an app reads its environment in one file', async t => {
  none(t, ({ path, part, code }) => {
    const isConfiguration = path === `${part}/src/config.ts` || path === `${part}/src/main.ts`
    return part.startsWith('apps/') && !isConfiguration ? (code.match(/\bprocess\.env\b/g) ?? []) : []
  })
})

t.test('only its main knows which implementation of the replicated log the order service uses', async t => {
  none(t, ({ path, part, imports }) => {
    const knows = /\/src\/(?:main|preload|raft-log\/[^/]+)\.ts$/.test(path)
    return part === 'apps/order' && !knows ? imports.filter(name => /\/raft-log\//.test(name)) : []
  })
})

t.test('what a part imports is its own, listed among its dependencies, or of Node and says so', async t => {
  none(t, ({ part, imports }) => {
    const manifest = JSON.parse(readFileSync(resolve(root, part, 'package.json'), 'utf8'))
    const listed = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    return imports.filter(name => !/^(?:\.|node:)/.test(name) && !listed.includes(packageOf(name)))
  })
})

t.test('no file is long without a reason', async t => {
  none(t, ({ path, text }) => {
    const lines = text.trimEnd().split('\n').length
    return lines > linesMax && longFiles[path] === undefined ? [`${lines} lines`] : []
  })
})

t.test('everything that a package exports to others to call says what it is', async t => {
  const callable = /^export (?:async )?(?:function\*?|class|abstract class) /
  none(t, ({ part, text }) => {
    const lines = text.split('\n')
    const isBare = (line: string, at: number) => callable.test(line) && !(lines[at - 1] ?? '').endsWith('*/')
    return part.startsWith('packages/') ? lines.filter(isBare) : []
  })
})

/** One assertion for a rule that holds in every source; what breaks it is shown with its file. */
function none(t: Test, violationsOf: (source: Source) => string[]): void {
  const found = sources.flatMap(source => violationsOf(source).map(violation => `${source.path}: ${violation}`))
  t.strictSame(found, [])
}

function readSource(path: string): Source {
  const text = readFileSync(resolve(root, path), 'utf8')
  const part = path
    .split('/')
    .slice(0, path.startsWith('infra') ? 1 : 2)
    .join('/')
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
  return { path, part, text, code, imports: importsOf(code) }
}

/** The modules that a file names: in statements, in `import(…)`, types and re-exports included. */
function importsOf(code: string): string[] {
  const statements = /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*'([^']+)'/g
  const calls = /\bimport\(\s*'([^']+)'\s*\)/g
  return [...code.matchAll(statements), ...code.matchAll(calls)].map(([, name]) => name ?? '')
}

/** The part of the project that an import leads to: `packages/client` for `@bazaar/client`. */
function partOf(name: string): string {
  const [, short] = packageOf(name).split('/')
  return Object.keys(arrows).find(part => part.split('/').at(-1) === short) ?? name
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}

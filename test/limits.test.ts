import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

const parts = ['apps/*', 'packages/{client,cluster,raft,service}'].map(part => `${part}/src/**/*.ts`)
const sources = new Map(globSync(parts, { cwd: root }).map(path => [path, read(path)]))
const all = [...sources.values()].join('\n')

const units: Record<string, number> = { KiB: 2 ** 10, MiB: 2 ** 20 }
/** What each row of "Limits by name" in DESIGN.md says of a file: names and their values. */
const rows = new Map<string, [name: string, value: number][]>()
for (const [, path = '', limits = ''] of read('DESIGN.md').matchAll(/^\| `(\w+\/\w+\/src\/\S+)` \| (.*) \|$/gm)) {
  const named = [...limits.matchAll(/`(\w+)`(?: (\d+(?:,\d{3})*(?:\.\d+)?)(?: ([KM]iB))?)?/g)]
  const row = named.map(([, name = '', value = '', unit = '']): [string, number] => [
    name,
    Number.parseFloat(value.replaceAll(',', '')) * (units[unit] ?? 1),
  ])
  rows.set(path, row)
}

/** The value of a constant or a property in this code, or, where it is imported, in any. */
function limitIn(code: string, name: string): number | undefined {
  const written = new RegExp(`const ${name} = (.+)|\\b${name}: (\\d\\w*)`).exec(code)
  if (written === null) return code === all ? undefined : limitIn(all, name)
  const expression = written[1] ?? written[2] ?? ''
  return runInNewContext(expression.replaceAll(/\b[a-z]\w*/gi, word => String(limitIn(code, word))))
}

t.test('every limit that DESIGN.md names is as it says', async t => {
  t.ok(rows.size > 50, 'the rows are found')
  for (const [path, row] of rows) {
    for (const [name, value] of row) t.equal(limitIn(sources.get(path) ?? '', name), value, `${path}: ${name}`)
  }
})

t.test('every limit of the processes is named there', async t => {
  for (const [path, code] of sources) {
    const named = (rows.get(path) ?? []).map(([name]) => name)
    const limits = [...code.matchAll(/^(?:export )?const (\w+(?:Max|Ms)) = [^.]+$/gm)].map(([, name]) => name ?? '')
    const missing = limits.filter(name => !named.includes(name))
    t.strictSame(missing, [], path)
  }
})

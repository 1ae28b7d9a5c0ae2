import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { Scenario } from './scenario.ts'

// `UPDATE=1` rewrites the expectations. They are proofs, not snapshots: read each before it is committed.
const update = process.env.UPDATE === '1'
const folder = join(import.meta.dirname, 'scenarios')

for (const file of readdirSync(folder).sort()) {
  const path = join(folder, file)
  const expected = readFileSync(path, 'utf8')
  const [title = file] = expected.split('\n')
  test(`${title.replace(/^# /, '')} (${file})`, async t => {
    const played = new Scenario().play(expected)
    if (update) writeFileSync(path, played)
    else t.equal(played, expected)
  })
}

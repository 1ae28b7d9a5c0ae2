/**
 * Puts each service with all that it imports into one file, which is what runs. Node takes as long for reading its 700 modules
 * as for all else that a start does, and a replica that was killed is missed until it is back.
 */
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** Some of the packages are CommonJS modules, and look for what these have. */
const commonJS = `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { filename: __filename, dirname: __dirname } = import.meta`

await build({
  entryPoints: ['order', 'catalog', 'frontend'].map(service => ({
    in: join(root, `apps/${service}/dist/main.js`),
    out: `${service}/dist/bundle`,
  })),
  outdir: join(root, 'apps'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  banner: { js: commonJS },
  logLevel: 'warning',
})

import { buildService, type Service } from '@bazaar/service'
import type { Node } from './node.ts'
import { callRoutes } from './routes/calls.ts'
import { logRoutes } from './routes/log.ts'
import { statusRoutes } from './routes/status.ts'

/** The HTTP side of a replica; it does not listen. */
export function orderApp(name: string, node: Node): Service {
  const app = buildService({ name })
  callRoutes(app, node)
  logRoutes(app, node)
  statusRoutes(app, node)
  app.addHook('preClose', async () => node.feed.close())
  return app
}

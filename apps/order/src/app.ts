import { buildService, type Service } from '@bazaar/service'
import type { Node } from './node.ts'
import { commandRoutes } from './routes/commands.ts'
import { logRoutes } from './routes/log.ts'
import { orderRoutes } from './routes/orders.ts'
import { statusRoutes } from './routes/status.ts'

/** The HTTP side of a replica; it does not listen. */
export function orderApp(name: string, node: Node): Service {
  const app = buildService({ name })
  commandRoutes(app, node)
  orderRoutes(app, node)
  logRoutes(app, node)
  statusRoutes(app, node)
  app.addHook('preClose', async () => node.feed.close())
  return app
}

import { randomUUID } from 'node:crypto'
import { CatalogClient, OrderClient, socketPath, systemClock } from '@bazaar/client'
import { runMain, startService } from '@bazaar/service'
import { frontendConfig } from './config.ts'
import { buildFrontend } from './frontend.ts'

await runMain(async () => {
  const config = frontendConfig()
  const socket = (name: string) => socketPath(config.BAZAAR_DATA, name)
  const frontend = buildFrontend({
    name: config.BAZAAR_NAME,
    replicas: named('order', config.BAZAAR_REPLICAS, name => new OrderClient(socket(name))),
    catalogs: named('catalog', config.BAZAAR_CATALOGS, name => new CatalogClient(socket(name))),
    clock: systemClock,
    newKey: randomUUID,
    adminToken: config.ADMIN_TOKEN,
    cacheLimits: { entriesMax: config.BAZAAR_CACHE },
  })
  await startService({
    listeners: [
      { app: frontend.publicApp, listen: { host: config.BAZAAR_HOST, port: config.BAZAAR_PORT } },
      { app: frontend.internalApp, listen: { socket: socket(config.BAZAAR_NAME) } },
    ],
    supervised: config.BAZAAR_SUPERVISED === 1,
    onStop: () => frontend.stop(),
  })
  await frontend.run()
})

/** `count` peers of one kind: `order-1`, `order-2` … */
function named<T>(kind: string, count: number, connect: (name: string) => T): Map<string, T> {
  const names = Array.from({ length: count }, (_, at) => `${kind}-${at + 1}`)
  return new Map(names.map(name => [name, connect(name)]))
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { OrderClient, socketPath, systemClock } from '@bazaar/client'
import { runMain, startService } from '@bazaar/service'
import { buildApp } from './app.ts'
import { Catalog } from './catalog.ts'
import { ChangeFeed } from './change-feed.ts'
import { Commands } from './commands.ts'
import { readCatalogConfig } from './config.ts'
import { Follower } from './follower.ts'
import { readProductFile } from './product-file.ts'
import { Products } from './products.ts'
import type { Replica } from './replica.ts'
import { Restock, restockLevels } from './restock.ts'
import { Seed } from './seed.ts'
import { SnapshotFile } from './snapshot-file.ts'

await runMain(async () => {
  const config = readCatalogConfig()
  const { BAZAAR_NAME: name, BAZAAR_DATA: data, BAZAAR_STOCK: stock, BAZAAR_RESTOCK_MS: intervalMs } = config
  const clock = systemClock
  const initial = (await readProductFile(config.BAZAAR_PRODUCTS)).map(each => ({ quantity: stock, ...each }))

  const replicas = Array.from({ length: config.BAZAAR_REPLICAS }, (_, at): Replica => {
    const replica = `order-${at + 1}`
    return { name: replica, client: new OrderClient(socketPath(data, replica)) }
  })
  const catalog = new Catalog(new Products(), new ChangeFeed(clock), clock)
  const warn = (message: string) => app.log.warn(message)
  const follower = new Follower(replicas, catalog, clock, warn)
  const app = buildApp({ name, catalog, follower })

  const folder = join(data, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const snapshotFile = await SnapshotFile.open(folder, catalog.products, { clock, warn })

  const commands = new Commands(replicas as [Replica, ...Replica[]])
  const seed = new Seed(catalog, commands, clock, initial)
  const restock = new Restock(catalog, commands, clock, { intervalMs, levelOf: restockLevels(initial, stock) })
  catalog.onReady = () => void seed.run()

  await startService({
    listeners: [{ app, listen: { socket: socketPath(data, name) } }],
    supervised: config.BAZAAR_SUPERVISED === 1,
    async onStop() {
      follower.stop()
      seed.stop()
      restock.stop()
      snapshotFile.stop()
      await snapshotFile.save()
    },
  })
  void follower.run()
  snapshotFile.start()
  if (intervalMs > 0) restock.start()
})

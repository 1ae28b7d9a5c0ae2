import { BazaarError } from '@bazaar/client'
import { healthRoute, type Service } from '@bazaar/service'
import type { Cluster } from '../cluster.ts'

/** How the whole store is. */
export function clusterRoutes(app: Service, cluster: Cluster): void {
  healthRoute(app)

  app.get('/ready', async () => {
    const obstacle = await cluster.obstacle()
    if (obstacle !== null) throw new BazaarError('NO_QUORUM', obstacle)
    return { status: 'ready' }
  })

  app.get('/cluster', async () => ({ data: await cluster.status() }))
}

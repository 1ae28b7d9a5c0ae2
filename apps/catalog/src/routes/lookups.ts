import { Lookup, lookupCalls } from '@bazaar/client'
import { CallServer, checkOf, type Service } from '@bazaar/service'
import type { Catalog } from '../catalog.ts'

const checkLookup = checkOf(Lookup, 'the look-up')

/** Look-ups of one product, as lines on a connection upgraded at `/lookups`. */
export function lookupRoutes(app: Service, catalog: Catalog): void {
  const served = [{ kind: lookupCalls, execute: async (asked: unknown) => catalog.lookUp(checkLookup(asked)) }]
  const server = new CallServer(app.server, served, error => app.log.error(error))
  app.addHook('preClose', async () => server.stop())
}

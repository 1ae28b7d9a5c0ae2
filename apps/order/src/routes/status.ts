import { healthRoute, metricsRoute, type Service } from '@bazaar/service'
import type { Node } from '../node.ts'

/** `GET /status`, `/health`, `/ready` and `/metrics`. */
export function statusRoutes(app: Service, { log, ledger, status }: Node): void {
  healthRoute(app)
  app.get('/status', () => status())
  app.get('/ready', (_request, reply) => {
    const ready = log.leadership.leader !== null
    reply.code(ready ? 200 : 503)
    return { status: ready ? 'ready' : 'no leader' }
  })
  const { gauge } = metricsRoute(app)
  gauge('bazaar_log_applied_index', 'Index of the last applied log entry.', () => log.appliedIndex)
  gauge('bazaar_log_last_index', 'Index of the last log entry.', () => status().lastIndex)
  gauge('bazaar_orders', 'Orders accepted.', () => ledger.orders)
  gauge('bazaar_term', 'Raft term.', () => log.leadership.term)
  gauge('bazaar_leading', '1 while this replica leads.', () => (log.leadership.leading ? 1 : 0))
  gauge('bazaar_disk_full', '1 while the disk has no room for more.', () => (log.accepting ? 0 : 1))
}

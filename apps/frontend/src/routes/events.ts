import { BazaarError } from '@bazaar/client'
import { refuseWhatFollows, type Service } from '@bazaar/service'
import type { Cluster } from '../cluster.ts'
import { type Events, heartbeatMs, subscribersMax } from '../events.ts'

/** While anybody reads the events, the cluster is looked at this often. */
const clusterPollMs = 500

export interface EventRoutesParts {
  events: Events
  cluster: Cluster
}

/** `GET /events`: `product` events `{name, index}`, and a `cluster` event with the body of `GET /cluster` when it changes. */
export function eventRoutes(app: Service, { events, cluster }: EventRoutesParts): void {
  let known = ''
  let polling = false
  const poll = async () => {
    if (polling || events.subscribers === 0) return
    polling = true
    const status = await cluster.status().finally(() => {
      polling = false
    })
    const digest = JSON.stringify([status.leader, status.term, status.replicas.map(role), status.catalogs.map(role)])
    if (digest !== known) events.publish('cluster', status)
    known = digest
  }
  const timers = [setInterval(() => void poll(), clusterPollMs), setInterval(() => events.heartbeat(), heartbeatMs)]
  app.addHook('preClose', async () => {
    for (const timer of timers) clearInterval(timer)
    events.close()
  })

  app.get('/events', (request, reply) => {
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
    // Node leaves the body of such an answer out, and with it all that would show that somebody listens.
    if (request.method === 'HEAD') return void reply.headers(headers).send()
    const sink = reply.raw
    if (events.subscribers >= subscribersMax) {
      throw new BazaarError('OVERLOADED', `${events.subscribers} readers of events are connected already`)
    }
    reply.hijack()
    // This answer has no end, so none could come after it.
    refuseWhatFollows(request.raw)
    sink.writeHead(200, headers)
    events.subscribe(sink)
    // What the last one heard may be old for this one.
    known = ''
    sink.on('close', () => events.unsubscribe(sink))
    // Who listens keeps its side open: this one has left, and would be written to until the next heartbeat.
    request.socket.once('end', () => sink.destroy())
  })
}

function role({ name, role }: { name: string; role: string }): string {
  return `${name} ${role}`
}

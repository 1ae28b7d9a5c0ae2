import type { Gauge } from 'prom-client'
import type { Service } from './service.ts'

/** Resident memory of this process in MiB, for `/status`. */
export function rssMiB(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

/** Adds `GET /health`: 200 while the process answers at all. */
export function healthRoute(app: Service): void {
  app.get('/health', () => ({ status: 'ok' }))
}

/** A process's metrics: gauges that are read when somebody looks. */
export interface Metrics {
  /** Adds a gauge whose value is read at each scrape, so that counting costs nothing on the hot path. */
  gauge(name: string, help: string, read: () => number): void
}

/**
 * Adds `GET /metrics` in Prometheus' text format; for internal sockets only. prom-client is loaded by the first scrape. Its
 * own default metrics are left out: they observe every garbage collection and turn of the event loop.
 */
export function metricsRoute(app: Service): Metrics {
  const gauges: { name: string; help: string; read: () => number }[] = []
  const gauge: Metrics['gauge'] = (name, help, read) => gauges.push({ name, help, read })
  gauge('process_resident_memory_bytes', 'Resident memory in bytes.', () => process.memoryUsage.rss())
  gauge('process_cpu_seconds_total', 'User and system CPU time in seconds.', cpuSeconds)
  gauge('process_uptime_seconds', 'Seconds since the process started.', () => process.uptime())
  gauge(
    'nodejs_eventloop_utilization',
    'Share of the time that the event loop was busy, 0..1, since the start.',
    () => performance.eventLoopUtilization().utilization,
  )
  app.get('/metrics', async (_request, reply) => {
    const { Gauge, Registry } = await import('prom-client')
    const registry = new Registry()
    for (const { name, help, read } of gauges) {
      const collect = function (this: Gauge): void {
        this.set(read())
      }
      new Gauge({ name, help, registers: [registry], collect })
    }
    reply.header('content-type', registry.contentType)
    return registry.metrics()
  })
  return { gauge }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

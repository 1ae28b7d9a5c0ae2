import { Gauge, Registry } from 'prom-client'
import type { Service } from './service.ts'

/** Resident memory of this process in MiB, for `/status`. */
export function rssMiB(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

/** Adds `GET /health`: 200 while the process answers at all. */
export function healthRoute(app: Service): void {
  app.get('/health', () => ({ status: 'ok' }))
}

/** A process's metrics: a prom-client registry, and gauges that are read when somebody looks. */
export interface Metrics {
  registry: Registry
  /** Adds a gauge whose value is read at each scrape, so that counting costs nothing on the hot path. */
  gauge(name: string, help: string, read: () => number): void
}

/**
 * Adds `GET /metrics` in Prometheus' text format; for internal sockets only. prom-client's own default metrics are left
 * out: they observe every garbage collection and turn of the event loop.
 */
export function metricsRoute(app: Service): Metrics {
  const registry = new Registry()
  const gauge: Metrics['gauge'] = (name, help, read) => {
    const collect = function (this: Gauge): void {
      this.set(read())
    }
    new Gauge({ name, help, registers: [registry], collect })
  }
  gauge('process_resident_memory_bytes', 'Resident memory in bytes.', () => process.memoryUsage.rss())
  gauge('process_cpu_seconds_total', 'User and system CPU time in seconds.', cpuSeconds)
  gauge('process_uptime_seconds', 'Seconds since the process started.', () => process.uptime())
  gauge(
    'nodejs_eventloop_utilization',
    'Share of the time that the event loop was busy, 0..1, since the start.',
    () => performance.eventLoopUtilization().utilization,
  )
  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType)
    return registry.metrics()
  })
  return { registry, gauge }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

import type { Counter, Gauge } from 'prom-client'
import type { Service } from './service.ts'

/** Resident memory of this process in MiB, for `/status`. */
export function rssMiB(): number {
  return Math.round(rssBytes() / 2 ** 20)
}

/** Read from a file: a process that is out of file descriptors tells the most that it ever was. */
function rssBytes(): number {
  try {
    return process.memoryUsage.rss()
  } catch (error) {
    if (!['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return process.resourceUsage().maxRSS * 1024
  }
}

/** Adds `GET /health`: 200 while the process answers at all. */
export function healthRoute(app: Service): void {
  app.get('/health', () => ({ status: 'ok' }))
}

type AddMetric = (name: string, help: string, read: () => number) => void

/** A process's metrics. They are read at each scrape, so that they cost nothing on the hot path. */
export interface Metrics {
  /** Adds a value that goes up and down. */
  gauge: AddMetric
  /** Adds one that only grows. */
  counter: AddMetric
}

/**
 * Adds `GET /metrics` in Prometheus' text format; for internal sockets only. prom-client is loaded by the first scrape. Its
 * own default metrics are left out: they observe every garbage collection and turn of the event loop.
 */
export function metricsRoute(app: Service): Metrics {
  const metrics: { type: keyof Metrics; name: string; help: string; read: () => number }[] = []
  const gauge: AddMetric = (name, help, read) => metrics.push({ type: 'gauge', name, help, read })
  const counter: AddMetric = (name, help, read) => metrics.push({ type: 'counter', name, help, read })
  gauge('process_resident_memory_bytes', 'Resident memory in bytes.', rssBytes)
  counter('process_cpu_seconds_total', 'User and system CPU time in seconds.', cpuSeconds)
  gauge('process_uptime_seconds', 'Seconds since the process started.', () => process.uptime())
  gauge(
    'nodejs_eventloop_utilization',
    'Share of the time that the event loop was busy, 0..1, since the start.',
    () => performance.eventLoopUtilization().utilization,
  )
  app.get('/metrics', async (_request, reply) => {
    const { Counter, Gauge, Registry } = await import('prom-client')
    const registry = new Registry()
    for (const { type, name, help, read } of metrics) {
      const Metric = type === 'gauge' ? Gauge : Counter
      const metric: Counter | Gauge = new Metric({ name, help, registers: [registry] })
      metric.inc(read())
    }
    reply.header('content-type', registry.contentType)
    return registry.metrics()
  })
  return { gauge, counter }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

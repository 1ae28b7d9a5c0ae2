import { randomUUID } from 'node:crypto'
import type { BenchOptions } from './bench-options.ts'
import { type BenchmarkResult, runBenchmark } from './benchmark.ts'
import { measureNetwork } from './network.ts'
import type { Progress } from './progress.ts'
import { connectVenue, openVenue } from './venue.ts'

/** Runs the benchmark on the shop of the options, or on clusters of its own. */
export function runBenchmarkOn(options: BenchOptions, progress: Progress): Promise<BenchmarkResult> {
  return runBenchmark(options, {
    openVenue: cache => openVenue(options.url, cache, options.preload),
    connect: connectVenue,
    measureNetwork,
    progress,
    runId: `bench-${randomUUID().slice(0, 8)}`,
  })
}

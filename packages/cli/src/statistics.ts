import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** What is known of one kind of time. All but `count` in milliseconds; null when there were no samples. */
export interface Summary {
  count: number
  mean: number | null
  /** Half the width of the 95 % confidence interval of the mean: the mean lies in `mean ± ci95`. Null below two samples. */
  ci95: number | null
  p50: number | null
  p99: number | null
  max: number | null
}

/** Digits the histogram keeps: percentiles are within 0.1 % of the exact ones. */
const histogramFigures = 3
/** The longest time the histogram tells apart: an hour. The exact maximum is kept beside it. */
const histogramMaxNs = 3_600_000_000_000

/**
 * Collects times and sums them up in bounded memory, however many there are: percentiles by an HDR histogram, mean,
 * deviation and maximum exactly (Welford 1962, "Note on a method for calculating corrected sums of squares").
 */
export class Recorder {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: histogramFigures, highest: histogramMaxNs })
  #count = 0
  #mean = 0
  #squares = 0
  #max = 0

  /** Notes one time in milliseconds. */
  record(milliseconds: number): void {
    this.#count += 1
    const delta = milliseconds - this.#mean
    this.#mean += delta / this.#count
    this.#squares += delta * (milliseconds - this.#mean)
    if (milliseconds > this.#max) this.#max = milliseconds
    this.#histogram.record(Math.min(histogramMaxNs, Math.max(1, Math.round(milliseconds * 1e6))))
  }

  get count(): number {
    return this.#count
  }

  /** The time that `percent` % of the samples do not exceed, in milliseconds; null when there are none. */
  percentile(percent: number): number | null {
    if (this.#count === 0) return null
    // Node's takes the nearer of two ranks, which may be the lower: that is exceeded by more.
    const rank = Math.ceil((percent / 100) * this.#count)
    return Math.min(this.#max, this.#histogram.percentile((100 * rank) / this.#count) / 1e6)
  }

  summary(): Summary {
    const count = this.#count
    if (count === 0) return { count, mean: null, ci95: null, p50: null, p99: null, max: null }
    return {
      count,
      mean: this.#mean,
      ci95: count < 2 ? null : confidence95(Math.sqrt(this.#squares / (count - 1)), count),
      p50: this.percentile(50),
      p99: this.percentile(99),
      max: this.#max,
    }
  }
}

/**
 * Half the width of the 95 % confidence interval of a mean, in the unit of `deviation`: Student's t over the standard
 * error. It takes the samples as independent; those of one run follow each other, so read it as a lower bound.
 *
 * @param deviation the samples' standard deviation (n − 1)
 * @param count how many samples, at least 2
 */
export function confidence95(deviation: number, count: number): number {
  return (studentT975(count - 1) * deviation) / Math.sqrt(count)
}

/** The mean of some samples that were taken together. */
export interface Slice {
  count: number
  mean: number
}

/**
 * The mean of all samples, and half of its 95 % confidence interval, from how the slices' means differ: that of a mean over
 * slices of unequal counts (Cochran, "Sampling Techniques", ratio estimation). Null for a single slice.
 */
export function meanOfSlices(slices: readonly Slice[]): Slice & { ci95: number | null } {
  const total = (figure: (slice: Slice) => number) => slices.reduce((sum, slice) => sum + figure(slice), 0)
  const count = total(slice => slice.count)
  const mean = total(slice => slice.count * slice.mean) / count
  const squares = total(slice => (slice.count * (slice.mean - mean)) ** 2)
  const deviation = (Math.sqrt(squares / (slices.length - 1)) * slices.length) / count
  return { count, mean, ci95: slices.length < 2 ? null : confidence95(deviation, slices.length) }
}

/**
 * The 97.5 % quantile of Student's t. Exact for 1 and 2 degrees of freedom, above that the series of Cornish and Fisher
 * around the normal quantile (Abramowitz & Stegun 26.7.5), within 1 % of the tables.
 */
function studentT975(degrees: number): number {
  if (degrees === 1) return 12.7062
  if (degrees === 2) return 4.3027
  const z = 1.959964
  const first = (z ** 3 + z) / 4
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3
}

/** The exact summary of a short list of times in milliseconds. */
export function summarize(milliseconds: readonly number[]): Summary {
  const recorder = new Recorder()
  for (const time of milliseconds) recorder.record(time)
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const nearestRank = (percent: number) => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null
  return { ...recorder.summary(), p50: nearestRank(50), p99: nearestRank(99) }
}

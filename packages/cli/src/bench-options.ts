import { fstatSync, lstatSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import {
  choiceOption,
  integerOption,
  listOption,
  numberOption,
  outputOption,
  refuseMeaningless,
} from './option-values.ts'
import { type Extent, iterationsMax } from './pace.ts'
import { UsageError } from './usage-error.ts'

export type CacheMode = 'on' | 'off'

/** What `bazaar bench` was asked to do. */
export interface BenchOptions {
  /** A deployment to measure, or null: a cluster of its own. */
  url: string | null
  probabilities: number[]
  clients: number
  extent: Extent
  ratePerSecond: number | null
  /** Runs of its own cluster, one for each mode. Empty with a url: its cache is as it was deployed. */
  cacheModes: CacheMode[]
  seed: number
  /** Orders to fill the log with before it starts. */
  preload: number
  jsonFile: string | null
  csvFile: string | null
  plotFile: string | null
  /** Measure the machine's limits instead of the experiment. */
  limits: boolean
  /** Show what the cache holds over time instead of the experiment. */
  replacement: boolean
  /** Measure everything and write it to this Markdown file. */
  evaluationFile: string | null
}

/** The options as the command line gives them. */
export interface BenchArguments {
  url?: string | undefined
  p?: string | undefined
  clients?: string | undefined
  iterations?: string | undefined
  seconds?: string | undefined
  rate?: string | undefined
  cache?: string | undefined
  seed?: string | undefined
  preload?: string | undefined
  json?: string | undefined
  csv?: string | undefined
  plot?: string | undefined
  limits: boolean
  replacement: boolean
  evaluation?: string | undefined
}

const probabilitiesMax = 20
const clientsMax = 1_000
const secondsMax = 3_600
const rateMax = 100_000
const preloadMax = 20_000_000
export const seedMax = 2 ** 31 - 1

/** What the command line leaves out. */
export const benchDefaults = {
  p: '0,0.2,0.4,0.6,0.8',
  clients: '5',
  iterations: '200',
  cache: 'on',
  seed: '1',
  preload: '0',
} as const

/** What measures something other than the experiment, and which options mean nothing to it. */
const meaningless = {
  limits: ['url', 'p', 'clients', 'iterations', 'rate', 'cache', 'csv', 'plot', 'replacement', 'evaluation'],
  replacement: ['p', 'clients', 'seconds', 'rate', 'cache', 'csv', 'plot', 'evaluation'],
  evaluation: ['url', 'p', 'clients', 'iterations', 'seconds', 'rate', 'cache', 'json', 'csv', 'plot'],
} as const satisfies Partial<Record<keyof BenchArguments, readonly (keyof BenchArguments)[]>>

/** Checks the command line's words. Throws a `UsageError` that names the option, its rule and the value. */
export function parseBenchOptions(given: BenchArguments): BenchOptions {
  if (given.url !== undefined && given.cache !== undefined) {
    throw new UsageError('--cache needs a cluster of its own: leave it out with --url')
  }
  const preload = integerOption('preload', given.preload ?? benchDefaults.preload, 0, preloadMax)
  if (given.url !== undefined && preload > 0) {
    throw new UsageError('--preload needs a cluster of its own: leave it out with --url')
  }
  for (const mode of ['limits', 'replacement', 'evaluation'] as const) refuseMeaningless(mode, meaningless[mode], given)
  const files = {
    jsonFile: outputOption('json', given.json),
    csvFile: outputOption('csv', given.csv),
    plotFile: plotOption(given.plot),
  }
  refuseOneFileForTwo(Object.values(files).filter(file => file !== null))
  const probability = (text: string) => numberOption('p', text, 0, 1)
  return {
    url: given.url === undefined ? null : urlOption(given.url),
    probabilities: listOption('p', given.p ?? benchDefaults.p, probabilitiesMax, probability),
    clients: integerOption('clients', given.clients ?? benchDefaults.clients, 1, clientsMax),
    extent: extentOption(given.iterations, given.seconds),
    ratePerSecond: given.rate === undefined ? null : numberOption('rate', given.rate, 0.1, rateMax),
    cacheModes: given.url === undefined ? cacheModes(given.cache ?? benchDefaults.cache) : [],
    seed: integerOption('seed', given.seed ?? benchDefaults.seed, 0, seedMax),
    preload,
    ...files,
    limits: given.limits,
    replacement: given.replacement,
    evaluationFile: evaluationOption(given.evaluation),
  }
}

function refuseOneFileForTwo(files: readonly string[]): void {
  const identities = files.map(identityOf)
  const twice = files.find((_, place) => identities.indexOf(identities[place] as string) !== place)
  if (twice !== undefined) throw new UsageError(`each result needs a file of its own, got ${twice} for two`)
}

/** What a file really is, whatever it is called: links lead to one file by many names. */
function identityOf(file: string): string {
  const found = file === '-' ? fstatSync(1, { bigint: true }) : statSync(file, { bigint: true, throwIfNoEntry: false })
  if (found !== undefined) return `${found.dev} ${found.ino}`
  // A link that leads nowhere yet: what is written to it begins where it leads.
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) {
    return identityOf(resolve(dirname(file), readlinkSync(file)))
  }
  const folder = statSync(dirname(file), { bigint: true, throwIfNoEntry: false })
  return folder === undefined ? resolve(file) : `${folder.dev} ${folder.ino} ${basename(file)}`
}

function extentOption(iterations: string | undefined, seconds: string | undefined): Extent {
  if (seconds === undefined) {
    return { iterations: integerOption('iterations', iterations ?? benchDefaults.iterations, 1, iterationsMax) }
  }
  if (iterations !== undefined) throw new UsageError('give --iterations or --seconds, not both')
  return { seconds: numberOption('seconds', seconds, 0.1, secondsMax) }
}

function cacheModes(text: string): CacheMode[] {
  const choice = choiceOption('cache', text, ['on', 'off', 'both'])
  return choice === 'both' ? ['on', 'off'] : [choice]
}

/** Where the pictures of an evaluation go: beside it, and called as it is. */
export function picturesFolder(file: string): string {
  return join(dirname(file), basename(file).replace(/\.md$/, '').toLowerCase())
}

function urlOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
    const rest = `${url.username}${url.password}${url.pathname.slice(1)}${url.search}${url.hash}`
    if (rest === '') return url.origin
    throw new UsageError(`--url must be the address alone, as ${url.origin}, got ${JSON.stringify(text)}`)
  }
  throw new UsageError(`--url must be an http or https address, got ${JSON.stringify(text)}`)
}

function evaluationOption(file: string | undefined): string | null {
  if (file === undefined) return null
  if (!file.endsWith('.md')) {
    throw new UsageError(`--evaluation must be a file ending in .md, got ${JSON.stringify(file)}`)
  }
  // The folder is made where it is not there.
  const pictures = picturesFolder(file)
  const exists = lstatSync(pictures, { throwIfNoEntry: false }) !== undefined
  outputOption('evaluation', exists ? join(pictures, 'picture.svg') : pictures)
  return outputOption('evaluation', file)
}

function plotOption(file: string | undefined): string | null {
  if (file === undefined || /\.(svg|png)$/i.test(file)) return outputOption('plot', file)
  throw new UsageError(`--plot must be a file ending in .svg or .png, got ${JSON.stringify(file)}`)
}

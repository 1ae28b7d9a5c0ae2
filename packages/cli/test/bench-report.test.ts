import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import t from 'tap'
import { type BenchArguments, parseBenchOptions } from '../src/bench-options.ts'
import { benchmarkPlot } from '../src/bench-plot.ts'
import { benchmarkCsv, benchmarkJson, benchmarkText, cachePairs } from '../src/bench-report.ts'
import { type BenchmarkResult, benchmarkPassed, runBenchmark, type Venue } from '../src/benchmark.ts'
import { type LinePlot, linePlotSvg } from '../src/line-plot.ts'
import { renderPng } from '../src/png.ts'
import { progressLine, progressOn, terminalProgress } from '../src/progress.ts'
import { summarize } from '../src/statistics.ts'
import { columns, markdownTable, textTable } from '../src/table.ts'
import { writeOutput } from '../src/write-output.ts'
import { FakeShop } from './fake-shop.ts'

const given: BenchArguments = { p: '0,0.8', clients: '2', seed: '5', preload: '0', limits: false, replacement: false }

const silent = { stage() {}, time() {}, step() {}, clear() {} }
const machine = { cpu: 'Test CPU', cores: 2, memoryGiB: 4, system: 'Linux', node: '24' }

/** A world with a shop of its own for each venue. */
const newWorld = (shops = new Map<string, FakeShop>()) => ({
  openVenue: async (cache: 'on' | 'off' | 'deployed') => {
    shops.set(cache, new FakeShop())
    return {
      url: 'http://shop',
      cache,
      exclusive: cache !== 'deployed',
      pids: [],
      close: async () => void shops.delete(cache),
    }
  },
  connect: async ({ cache }: Venue) => (shops.get(cache) as FakeShop).shopper(),
  measureNetwork: async () => summarize([0.1]),
  progress: silent,
  runId: 'test',
})

const summary = (mean: number | null) =>
  mean === null
    ? { count: 0, mean, ci95: null, p50: null, p99: null, max: null }
    : { count: 1000, mean, ci95: 0.01, p50: mean, p99: mean * 4, max: mean * 20 }

const run = (p: number, cache: 'on' | 'off', lookup: number, order: number | null) => ({
  p,
  cache,
  clients: 5,
  iterations: 1000,
  elapsedMs: 500,
  lookup: summary(lookup),
  order: summary(order),
  lookupAndOrder: summary(lookup + p * (order ?? 0)),
  perSecond: 3600.4,
  cacheHitRatio: cache === 'on' ? 0.8312 : 0,
  refused: 0,
  soldOut: 0,
  lateStarts: 0,
  missedStarts: 0,
  errors: 0,
  errorMessages: [],
  givenUp: false,
})

const example: BenchmarkResult = {
  url: null,
  runs: [run(0, 'on', 0.31, null), run(0.8, 'on', 0.42, 1.5), run(0, 'off', 0.62, null), run(0.8, 'off', 0.75, 1.52)],
  warmUp: { iterations: 40_000, orders: 20_056, errors: 0, errorMessages: [] },
  verified: { orders: 21_656, mismatches: 0, unread: 0, examples: [] },
  stock: { expected: 23_998_400, actual: 23_998_400, wrong: 0 },
  network: summarize([0.08, 0.09, 0.1]),
  machine,
  disturbance: 0.01,
  seed: 1,
  ratePerSecond: null,
  preload: 0,
  products: 12,
}

t.test('options are read, and every mistake is named with its option, rule and value', async t => {
  const folder = t.testdir({ 'kept.json': 'kept' })
  const options = parseBenchOptions({ ...given, cache: 'both', plot: `${folder}/a.svg` })
  t.match(options, { probabilities: [0, 0.8], clients: 2, extent: { iterations: 200 }, cacheModes: ['on', 'off'] })
  t.match(parseBenchOptions({ ...given, seconds: '2.5', rate: '100' }), {
    extent: { seconds: 2.5 },
    ratePerSecond: 100,
  })
  t.match(parseBenchOptions({ ...given, url: 'http://shop.example:8080/' }), { url: 'http://shop.example:8080' })
  const mistakes: [Partial<BenchArguments>, RegExp][] = [
    [{ p: '0,1.2' }, /--p must be a number 0\.\.1, got "1\.2"/],
    [{ p: '' }, /--p must be a number 0\.\.1, got ""/],
    [{ clients: '0' }, /--clients must be an integer 1\.\.1000, got "0"/],
    [{ clients: '1.5' }, /--clients must be an integer/],
    [{ iterations: 'many' }, /--iterations must be an integer .* got "many"/],
    [{ iterations: '5', seconds: '5' }, /--iterations or --seconds, not both/],
    [{ seconds: '0' }, /--seconds must be a number 0\.1\.\.3600, got "0"/],
    [{ rate: '-1' }, /--rate must be a number/],
    [{ cache: 'maybe' }, /--cache must be one of on, off, both, got "maybe"/],
    [{ url: 'ftp://x' }, /--url must be an http or https address, got "ftp:\/\/x"/],
    [{ url: 'http://u:p@x/shop?a=b' }, /--url must be the address alone, as http:\/\/x, got/],
    [{ json: '' }, /--json cannot be written: it has no name/],
    [{ json: `${folder}/new/` }, /--json cannot be written: ENOENT: there is no folder/],
    [{ json: `${folder}/a`, csv: `${folder}/./a` }, /each result needs a file of its own, got .*\.\/a for two/],
    [{ url: 'http://x', cache: 'on' }, /--cache needs a cluster of its own/],
    [{ url: 'http://x', preload: '5' }, /--preload needs a cluster of its own/],
    [{ json: `${folder}/none/a.json` }, /--json cannot be written: ENOENT/],
    [{ csv: folder }, /--csv cannot be written: EISDIR/],
    [{ plot: `${folder}/none/a.png` }, /--plot cannot be written/],
    [{ evaluation: `${folder}/none/a.md` }, /--evaluation cannot be written/],
    [{ plot: 'a.jpg' }, /--plot must be a file ending in \.svg or \.png, got "a\.jpg"/],
    [{ limits: true, url: 'http://x' }, /--limits goes without --url/],
    [{ replacement: true, rate: '5' }, /--replacement goes without --rate/],
    [{ replacement: true, limits: true }, /--limits goes without --replacement/],
    [{ limits: true, plot: 'a.svg' }, /--limits goes without --plot/],
    [{ limits: true, clients: '3' }, /--limits goes without --clients/],
    [{ replacement: true, p: '0.3' }, /--replacement goes without --p/],
    [{ evaluation: 'a.md', clients: '3' }, /--evaluation goes without --clients/],
    [{ json: '-', csv: '-' }, /each result needs a file of its own, got - for two/],
    [{ seed: '-1' }, /--seed must be an integer/],
  ]
  for (const [mistake, message] of mistakes) {
    t.throws(
      () => parseBenchOptions({ limits: false, replacement: false, ...mistake }),
      { name: 'UsageError', message },
      String(message),
    )
  }
  parseBenchOptions({ ...given, json: `${folder}/kept.json` })
  t.strictSame(readdirSync(folder), ['kept.json'], 'trying whether a file can be written leaves nothing')
  t.equal(readFileSync(`${folder}/kept.json`, 'utf8'), 'kept')
  symlinkSync('none.json', `${folder}/link.json`)
  parseBenchOptions({ ...given, json: `${folder}/link.json` })
  t.strictSame(readdirSync(folder), ['kept.json', 'link.json'], 'nor takes a link away that leads nowhere yet')
})

t.test('two names of one file are found out, whichever they are', async t => {
  const folder = t.testdir({ kept: '', folder: {} })
  linkSync(`${folder}/kept`, `${folder}/hard`)
  symlinkSync('kept', `${folder}/soft`)
  symlinkSync('folder', `${folder}/folder-too`)
  symlinkSync('new', `${folder}/new-too`)
  const parse = (json: string, csv: string) => () => parseBenchOptions({ ...given, json, csv })
  const pairs = [
    ['kept', 'hard'],
    ['kept', 'soft'],
    ['folder/new', 'folder-too/new'],
    ['new', 'new-too'],
  ].map(pair => pair.map(name => `${folder}/${name}`) as [string, string])
  for (const [json, csv] of [...pairs, ['-', '/dev/stdout'] as const]) {
    t.throws(parse(json, csv), {
      name: 'UsageError',
      message: `each result needs a file of its own, got ${csv} for two`,
    })
  }
  t.doesNotThrow(parse(`${folder}/new`, `${folder}/folder/new`))
  t.doesNotThrow(parse(`${folder}/kept`, '-'))
})

t.test('an evaluation whose pictures cannot be written is refused before anything is measured', async t => {
  const folder = t.testdir({ taken: '', free: {} })
  const parse = (file: string) =>
    parseBenchOptions({ limits: false, replacement: false, evaluation: `${folder}/${file}` }).evaluationFile
  t.throws(() => parse('Taken.md'), { name: 'UsageError', message: /--evaluation cannot be written: ENOTDIR.*taken/ })
  t.equal(parse('Free.md'), `${folder}/Free.md`)
  t.equal(parse('New.md'), `${folder}/New.md`)
  t.strictSame(readdirSync(folder), ['free', 'taken'])
})

t.test('a result that cannot be written names its file', async t => {
  t.throws(() => writeOutput(t.testdir(), 'text'), { message: /bench-report.* cannot be written: EISDIR/ })
  if (existsSync('/dev/full'))
    t.throws(() => writeOutput('/dev/full', 'text'), { message: /^\/dev\/full cannot be written: ENOSPC/ })
})

t.test('the benchmark measures each cache and probability and verifies what it ordered', async t => {
  const shops = new Map<string, FakeShop>()
  const options = parseBenchOptions({ ...given, iterations: '20', cache: 'both' })
  const result = await runBenchmark(options, newWorld(shops))
  t.strictSame(
    result.runs.map(({ p, cache, iterations }) => [p, cache, iterations]),
    [
      [0, 'on', 40],
      [0.8, 'on', 40],
      [0, 'off', 40],
      [0.8, 'off', 40],
    ],
  )
  t.equal(result.verified.mismatches, 0)
  t.ok(result.verified.orders > 48, `${result.verified.orders} orders, those of the warm-up among them`)
  t.equal(result.stock?.actual, result.stock?.expected)
  t.equal(result.stock?.wrong, 0)
  t.ok(benchmarkPassed(result))
  const deployed = await runBenchmark(
    parseBenchOptions({ ...given, iterations: '5', url: 'http://x' }),
    newWorld(shops),
  )
  t.equal(deployed.stock, null, 'others may have ordered at a deployment too')
  t.equal(shops.size, 0, 'every shop was closed')
})

t.test('errors, mismatches and a wrong stock make it fail', async t => {
  t.ok(benchmarkPassed(example))
  t.notOk(benchmarkPassed({ ...example, runs: [{ ...run(0, 'on', 1, null), errors: 1 }] }))
  t.notOk(
    benchmarkPassed({ ...example, verified: { orders: 1, mismatches: 1, unread: 0, examples: ['order 1: gone'] } }),
  )
  t.notOk(benchmarkPassed({ ...example, stock: { expected: 5, actual: 6, wrong: 1 } }))
  const untold = { ...example, stock: { expected: 5, actual: null, wrong: null } }
  t.match(benchmarkText(untold), /\nstock: could not be read\nFAILED$/)
  const swapped = { ...example, stock: { expected: 5, actual: 5, wrong: 2 } }
  t.match(benchmarkText(swapped), /\nstock: 5 units, but wrong for 2 products\nFAILED$/)
  const bad = {
    ...example,
    warmUp: { iterations: 1, orders: 0, errors: 0, errorMessages: [] },
    verified: { orders: 1, mismatches: 1, unread: 0, examples: ['order 1: gone'] },
    stock: { expected: 5, actual: 6, wrong: 1 },
  }
  t.match(benchmarkJson(bad), { passed: false, verified: bad.verified }, 'also where only the JSON is read')
  t.match(benchmarkText(bad), /1 order read back, 1 differ\n {2}order 1: gone\nstock: 6 units, but 5 expected\nFAILED$/)
})

t.test('an error of the warm-up is told and fails the check; a shop that answers nothing is not measured', async t => {
  const [shops, options] = [
    new Map<string, FakeShop>(),
    parseBenchOptions({ ...given, iterations: '5', url: 'http://x' }),
  ]
  const world = newWorld(shops)
  const failing = (failures: number) => ({
    ...world,
    async measureNetwork() {
      for (const shop of shops.values()) shop.failures = failures
      return world.measureNetwork()
    },
  })
  const result = await runBenchmark(options, failing(2))
  t.match(result, { warmUp: { iterations: 400, errors: 2 }, runs: [{ errors: 0 }, { errors: 0 }] })
  t.notOk(benchmarkPassed(result))
  t.match(benchmarkText(result), /\n2 errors while warming up\nerror: connection reset\nFAILED$/)
  const nothing = runBenchmark(options, failing(Number.POSITIVE_INFINITY))
  await t.rejects(nothing, { message: 'the shop failed while warming up: connection reset' })
})

t.test('the text reads well', async t => t.matchSnapshot(benchmarkText(example)))

t.test('what is special about a run is told', async t => {
  const failed = { ...run(0.8, 'on', 0.6, 1.5), errors: 2, errorMessages: ['connection reset', 'connection reset'] }
  const warmUp = { iterations: 1, orders: 0, errors: 0, errorMessages: [] }
  const special = { ...example, runs: [failed, run(0.8, 'off', 0.4, 1.5)], preload: 5000, disturbance: 0.3, warmUp }
  const text = benchmarkText(special)
  t.match(text, / · seed 1, 5,000 orders stored before\n/)
  t.match(text, /1 iteration to warm up is not counted\n/)
  t.match(text, /\n {3}50 % more at 83 % hits; look-up plus order 13 % more\n/, 'a cache may cost more than it gains')
  t.match(text, /Disturbed: 30 %/)
  t.match(text, /differ\nstock: .*\nerror: connection reset\nFAILED$/, 'an error is told once')
  const deployed = { ...run(0.8, 'on', 0.4, 1.5), cache: 'deployed' as const }
  t.match(benchmarkText({ ...example, runs: [deployed] }), /^p 0\.8 {2}█{48} 1\.60 ms$/m, 'whose cache nobody knows')
})

t.test('a run in which much was sold out is not compared, and says why', async t => {
  const text = benchmarkText({
    ...example,
    url: 'http://shop.example',
    runs: [run(0.6, 'on', 0.4, 1.5), { ...run(0.8, 'on', 0.4, 1.5), soldOut: 800 }],
  })
  t.match(text, /\nhttp:\/\/shop\.example, from clients on 2 × Test CPU/)
  t.match(
    text,
    /at p 0\.8 cache on, 800 of 1,000 iterations would have ordered what was sold out: their time is a look-up’s alone/,
  )
  t.match(text, /^0\.6 .* 90\.48 +\d+$/m)
  t.match(text, /^0\.8 .* 111\.17 +–$/m)
})

t.test('nor is one in which many orders were refused, whose times are not there', async t => {
  const text = benchmarkText({
    ...example,
    runs: [
      { ...run(0.6, 'on', 0.4, 1.5), refused: 590 },
      { ...run(0.8, 'on', 0.4, 1.5), refused: 400, soldOut: 390 },
    ],
  })
  t.match(text, /at p 0\.6 cache on, 590 of 1,000 iterations had their order refused: their time is not counted/)
  t.match(
    text,
    /at p 0\.8 cache on, 390 of 1,000 iterations would have ordered .*\nat p 0\.8 cache on, 400 of 1,000 iterations had/,
  )
  t.match(text, /^0\.6 .* 90\.48 +–$/m)
})

t.test('nor does a figure of a run in which much was sold out stand beside others', async t => {
  const runs = [run(0.6, 'on', 0.4, 1.5), { ...run(0.8, 'on', 0.4, 1.5), soldOut: 800 }]
  const result = { ...example, runs: [...runs, run(0.6, 'off', 0.8, 1.5), run(0.8, 'off', 0.8, 1.5)] }
  const text = benchmarkText(result)
  t.match(text, /^p 0\.6 cache on +█.* 1\.30 ms$/m)
  t.notMatch(text, /^p 0\.8 cache on/m)
  t.match(text, /^p 0\.8: a look-up .*\n .*; look-up plus order –$/m)
  t.notMatch(benchmarkText({ ...example, runs: runs.slice(1) }), /Mean of look-up plus order/, 'a chart of nothing')
  const points = benchmarkPlot(result).series.map(({ name, points }) => [name, points.map(({ x }) => x)])
  t.match(points, [
    ['look-up', [0.6, 0.8]],
    ['order', [0.6]],
    ['look-up + order', [0.6]],
  ])
  t.match(benchmarkJson(result), {
    runs: [{ originalReportMs: 90.48 }, { originalReportMs: null }, { originalReportMs: 90.48 }, {}],
  })
})

t.test('nor is one in which much failed, or whose shop was given up', async t => {
  const failed = { ...run(0.6, 'on', 0.4, 1.5), errors: 11 }
  const hung = { ...run(0.8, 'on', 0.4, 1.5), errors: 3, givenUp: true }
  const result = { ...example, runs: [{ ...run(0.4, 'on', 0.4, 1.5), errors: 10 }, failed, hung] }
  const text = benchmarkText(result)
  t.match(
    text,
    /\n\nat p 0\.6 cache on, 11 of 1,000 iterations failed: their time is not counted\nat p 0\.8 cache on, 3 of/,
  )
  t.match(text, /^0\.4 .* 77\.91 +78$/m, 'a few tell no other story')
  for (const original of ['90.48', '111.17']) t.match(text, new RegExp(` ${original} +–$`, 'm'))
  t.match(benchmarkPlot(result).series[2], { name: 'look-up + order', points: [{ x: 0.4 }] })
  t.match(benchmarkJson(result), { runs: [{}, { originalReportMs: null }, { originalReportMs: null }] })
})

t.test('a run that ended before its time tells so', async t => {
  const long = { ...run(0, 'on', 0.1, 0.1), clients: 2, iterations: 2_000_000 }
  const result = { ...example, runs: [long, { ...long, p: 0.2, iterations: 1_999_999 }] }
  const notes = benchmarkText(result).match(/^at p .* ended after .*$/gm)
  t.strictSame(notes, [
    'at p 0 cache on, it ended after 1,000,000 iterations of each client, which is the most of a run',
  ])
})

t.test('the same p twice is two runs, each with orders of its own', async t => {
  const options = parseBenchOptions({ ...given, p: '1,1', iterations: '20' })
  const result = await runBenchmark(options, newWorld(new Map()))
  t.ok(benchmarkPassed(result), result.verified.examples.join())
})

t.test('what was asked for is told as it was, and how far a rate was from what was reached', async t => {
  const runs = [run(0.2, 'on', 1, 1), run(0.2, 'on', 2, 1), run(0.2, 'off', 4, 1), run(0.2, 'off', 8, 1)]
  const pairs = cachePairs(runs).map(({ on, off }) => [on.lookup.mean, off.lookup.mean])
  t.strictSame(
    pairs,
    [
      [1, 4],
      [2, 8],
    ],
    'the same p twice',
  )
  t.match(benchmarkPlot({ ...example, runs }).series[0], {
    points: [{ x: 0.2, y: 1.5, low: 1.5 - Math.SQRT1_2 / 100 }],
  })
  const tiny = { ...example, runs: [run(0.00001, 'on', 1, 1)], ratePerSecond: 0.00001 }
  t.match(benchmarkJson(tiny), { runs: [{ p: 0.00001 }], ratePerSecond: 0.00001 })
  t.match(benchmarkCsv(tiny), /^0\.00001,on,/m)
  const timed = { ...example, runs: [{ ...run(0.2, 'on', 1, 1), iterations: 1161 }] }
  t.match(benchmarkJson(timed), { runs: [{ iterations: 232 }] }, 'the clients of a timed run differ by some')
  t.match(benchmarkCsv(timed), /^0\.2,on,5,232,1000,/m)
  const late = [{ ...run(0.2, 'on', 1, 1), lateStarts: 900 }]
  const note =
    /900 of 1,000 iterations started late, because every client was busy: 2,000 a second of the 20,000 that were/
  t.match(benchmarkText({ ...example, runs: late, ratePerSecond: 20_000 }), note)
  t.match(benchmarkText({ ...example, runs: late, ratePerSecond: 2_000 }), /because every client was busy\n/)
  const seldom = [{ ...run(0.2, 'on', 1, 1), lateStarts: 50 }]
  t.notMatch(benchmarkText({ ...example, runs: seldom, ratePerSecond: 2_000 }), /started late/, 'a few are not told')
  const missed = { ...example, runs: [{ ...run(0.2, 'on', 1, 1), missedStarts: 500 }], ratePerSecond: 20_000 }
  t.match(
    benchmarkText(missed),
    /at p 0\.2 cache on, 500 of 1,500 iterations never started, because every client was busy/,
  )
  const both = [run(0.2, 'on', 1, 1), { ...run(0.2, 'off', 4, 1), lateStarts: 900 }]
  t.match(
    benchmarkText({ ...example, runs: both, ratePerSecond: 2_000 }),
    /\nat p 0\.2 cache off, 900 of 1,000 iterations/,
  )
  t.match(benchmarkCsv(missed), /,lateStarts,missedStarts\n.*,0,500\n/s)
  t.match(benchmarkText({ ...example, runs: [run(0, 'on', 3170, null)] }), / 45\.98 +0\.015$/m, 'a slow one is not 0')
  t.notMatch(benchmarkText({ ...example, runs, ratePerSecond: 0.3 }), /asked for|never started/)
  t.match(benchmarkText({ ...example, runs, ratePerSecond: 0.3 }), /at 0\.3 a second \(open loop\)/)
  const unread = { orders: 1_133, mismatches: 0, unread: 2_000, examples: [] }
  t.match(
    benchmarkText({ ...example, verified: unread }),
    /1,133 orders read back, .*, 0 differ, 2,000 could not be read/,
  )
  t.notOk(benchmarkPassed({ ...example, verified: unread }))
})

t.test('the JSON has what the contract names', async t => {
  t.match(JSON.parse(JSON.stringify(benchmarkJson(example))), {
    runs: [
      {
        p: 0,
        cache: 'on',
        clients: 5,
        iterations: 200,
        lookup: { count: 1000, mean: 0.31, p50: 0.31, p99: 1.24, max: 6.2, ci95: 0.01 },
        order: { count: 0, mean: null },
        lookupAndOrder: { mean: 0.31 },
        perSecond: 3600.4,
        cacheHitRatio: 0.8312,
        refused: 0,
        errors: 0,
        originalReportMs: 45.98,
      },
      { p: 0.8, originalReportMs: 111.17 },
      { cache: 'off' },
      {},
    ],
    warmUp: { iterations: 40_000, orders: 20_056, errors: 0 },
    verified: { orders: 21_656, mismatches: 0, unread: 0 },
    passed: true,
  })
})

t.test('the CSV has a column for each figure and a line for each run', async t => {
  const [header, ...lines] = benchmarkCsv(example).trimEnd().split('\n')
  t.match(header, /^p,cache,clients,iterations,lookup_count,lookup_mean,lookup_ci95,/)
  t.equal(lines.length, 4)
  t.match(lines[0], /^0,on,5,200,1000,0\.31,0\.01,0\.31,1\.24,6\.2,0,,,,,,1000,/)
  t.match(benchmarkCsv({ ...example, runs: [run(0, 'on', 1 / 3, null)] }), /,0\.3333,0\.01,/, 'to 0.1 µs')
  for (const line of lines) t.equal(line.split(',').length, header?.split(',').length)
})

t.test('the plot names its axes with units, has a legend, and follows the colour scheme', async t => {
  const svg = linePlotSvg(benchmarkPlot(example))
  const texts = [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text)
  for (const text of ['mean latency (ms)', 'p, the probability that an order follows a look-up', 'look-up + order']) {
    t.ok(texts.includes(text), text)
  }
  t.ok(texts.includes('order, no cache'))
  t.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  t.match(svg, /@media \(prefers-color-scheme:dark\)/)
  t.notMatch(svg, /NaN|undefined/)
  t.equal(svg, linePlotSvg(benchmarkPlot(example)), 'the same result gives the same file')
  const third = linePlotSvg(benchmarkPlot({ ...example, runs: [run(1 / 3, 'on', 1, 1)] }))
  t.match(third, />0\.333<\/text>/, 'a label that would not fit is rounded')
  const rare = linePlotSvg(benchmarkPlot({ ...example, runs: [run(0.00001, 'on', 1, 1)] }))
  t.match(rare, />0\.00001<\/text>/, 'and a small one is not 0')
  const cpu = 'Processor of Many Words & Marks™ with 96 Cores @ 2.50GHz'
  const long = linePlotSvg(benchmarkPlot({ ...example, machine: { ...machine, cpu } }))
  t.match(
    long,
    />5 clients, 4,000 iterations, seed 1, bars: .* · 2 × Processor of Many Words &amp; Marks…<\/text>/,
    'what is too long is cut',
  )
  const png = renderPng(svg)
  t.strictSame([...png.subarray(1, 4)], [...Buffer.from('PNG')])
  t.equal(png.readUInt32BE(16), 1520, 'twice the width of the drawing')
  t.ok(png.length > 30_000, 'text takes room: a picture without its font would be smaller')
})

t.test('the points of the plot are the figures of the table, from the left', async t => {
  const few = { ...run(0.2, 'on', 0.3, 1.5), order: { ...summary(1.5), count: 1, ci95: null } }
  const vague = { ...run(0.4, 'on', 0.3, 1.5), order: { ...summary(1.5), ci95: 2 } }
  const result = { ...example, runs: [vague, few, run(0.4, 'off', 0.6, 1.6)], url: 'http://shop.example' }
  const plot = benchmarkPlot(result)
  t.match(plot.subtitle, /^5 clients, 3,000 iterations, .* · http:\/\/shop\.example$/)
  t.strictSame(plot.series[1], {
    name: 'order',
    color: 'orange',
    dashed: false,
    points: [
      { x: 0.2, y: 1.5 },
      { x: 0.4, y: 1.5, low: 0, high: 3.5 },
    ],
  })
  t.match(plot.series[4], { name: 'order, no cache', color: 'orange', dashed: true, points: [{ x: 0.4, y: 1.6 }] })
})

t.test('the plot is drawn to scale, in the colours of its legend', async t => {
  const spec: LinePlot = {
    title: 'Tux',
    subtitle: 'Tux & <Whale>',
    xLabel: 'x',
    yLabel: 'y',
    xTicks: [0, 0.001, 0.5, 1],
    series: [
      {
        name: 'on',
        color: 'blue',
        points: [
          { x: 0.5, y: 5, low: 4, high: 6 },
          { x: 1, y: 9.5 },
        ],
      },
      { name: 'off', color: 'orange', dashed: true, points: [{ x: 1, y: 5 }] },
    ],
  }
  const svg = linePlotSvg(spec)
  t.match(svg, 'd="M398,259L712,137.5"', 'both axes begin at 0, and the upper one ends at a round number')
  t.match(svg, /<g [^>]*stroke="#1f62c8" aria-label="rule"><line y2="232" y1="286" x2="398" x1="398"/, 'the interval')
  t.match(svg, /<g stroke-dasharray="6 5"[^>]* stroke="#b45309" [^>]*aria-label="line"><path d="M712,259/, 'dashed')
  t.match(svg, /<path d="M20 79h28" stroke="#1f62c8" stroke-width="2.25">/)
  t.match(svg, /<path d="M20 99h28" stroke="#b45309" stroke-width="2.25" stroke-dasharray="6 5">/, 'in a row below')
  t.match(svg, /^<svg (?=[^>]*role="img")[^>]*aria-label="Tux"/, 'what a screen reader says')
  t.match(svg, '>Tux &amp; &lt;Whale&gt;</text>')
  t.match(svg, /<rect width="760" height="450" rx="8" fill="#ffffff">/, 'its own paper, whatever it lies on')
  for (const dark of ['[fill="#ffffff"]{fill:#0d1117}', '[stroke="#1f62c8"]{stroke:#6cabff}']) t.match(svg, dark)
  t.equal(svg.match(/<style/g)?.length, 1)
  const ticksOf = (text: string, axis: string) => {
    const labels = new RegExp(`aria-label="${axis}-axis tick label">(.*?)</g>`).exec(text)?.[1] ?? ''
    return [...labels.matchAll(/>([^<]+)</g)].map(([, label]) => label)
  }
  t.strictSame(ticksOf(svg, 'x'), ['0', '0.5', '1'], 'no label runs into another')
  t.strictSame(ticksOf(svg, 'y'), ['0', '2', '4', '6', '8', '10'])
  const points = [0.5, 20_000].map((y, x) => ({ x, y }))
  const wide = linePlotSvg({ ...spec, yLog: true, series: [{ name: 'on', color: 'blue', points }] })
  t.strictSame(ticksOf(wide, 'y'), ['0.1', '1', '10', '100', '1000', '10k', '100k'])
  t.match(wide, /<path d="M84,362\.\d+L712,/, 'on a logarithmic axis')
  const dots = (count: number) => {
    const curve = Array.from({ length: count }, (_, x) => ({ x, y: x }))
    return linePlotSvg({ ...spec, series: [{ name: 'on', color: 'blue', points: curve }] }).match(/<circle/g)?.length
  }
  t.strictSame([dots(30), dots(31)], [31, 1], 'a curve has none but that of its legend')
})

t.test('tables align their columns in text and in Markdown', async t => {
  const rows = [
    ['a', '1'],
    ['long|name', '1000'],
  ]
  t.equal(
    textTable({ columns: columns('<name', 'count'), rows }),
    ['name       count', '────────────────', 'a              1', 'long|name   1000'].join('\n'),
  )
  t.equal(
    textTable({ columns: columns('n', '<note'), rows: [['1', '']] }),
    'n  note\n───────\n1',
    'no line ends in blanks',
  )
  t.equal(
    markdownTable({ columns: columns('<name', 'count'), rows }),
    ['| name | count |', '| --- | ---: |', '| a | 1 |', '| long\\|name | 1000 |'].join('\n'),
  )
})

t.test('a progress bar redraws at most ten times a second and always at the end', async t => {
  let now = 0
  const drawn: string[] = []
  let columns = 80
  const progress = terminalProgress(
    text => drawn.push(text),
    () => columns,
    () => now,
  )
  progress.stage('p = 0.8', 100)
  for (let step = 0; step < 100; step += 1) {
    now += 5
    progress.step()
  }
  t.equal(drawn.length, 6, 'once to begin, four times in half a second, and the end')
  t.match(drawn.at(-1), /p = 0\.8 {2}100 % ━{28}$/)
  progress.time('p = 0.4', 2)
  now += 1000
  progress.step()
  t.match(drawn.at(-1), /p = 0\.4 {3}50 % ━{14}─{14}$/, 'half of the time')
  columns = 20
  now += 1000
  progress.step()
  t.equal(drawn.at(-1), `\r\x1b[2Kp = 0.4  100 % ${'━'.repeat(4)}`, 'never more than one line')
  progress.stage('p = 0.6', 4)
  t.match(drawn.at(-1), /p = 0\.6 {4}0 %/, 'the next begins anew')
  now += 1000
  progress.step()
  t.match(drawn.at(-1), /p = 0\.6 {3}25 %/, 'and counts steps, not time')
  t.equal(progressLine('x', 999, 1000), `x   99 % ${'━'.repeat(28)}`, 'not all, until it is')
  t.equal(progressLine('x', 3, 2), progressLine('x', 0, 0), 'nor ever more than all')
  t.equal(progressLine('wait', 0, null), 'wait')
  t.equal(progressLine('wait', 1234, null), 'wait  1,234')
  t.match(progressLine('x', 50, 100), / 50 % ━{14}─{14}$/)
})

t.test('there is a bar only on a terminal that can take it away again', async t => {
  const written = (isTTY: boolean, terminal: string | undefined) => {
    let text = ''
    const write = (more: string) => {
      text += more
    }
    const progress = progressOn({ isTTY, columns: 80, write } as unknown as NodeJS.WriteStream, terminal)
    progress.stage('p = 0.8', 100)
    progress.clear()
    return text
  }
  t.match(written(true, 'xterm'), /p = 0\.8/)
  t.match(written(true, undefined), /p = 0\.8/)
  t.equal(written(true, 'dumb'), '')
  t.equal(written(false, 'xterm'), '')
})

t.test('an interruption takes the bar away for good', async t => {
  const [progress, interruption] = ['progress', 'interruption'].map(name =>
    JSON.stringify(new URL(`../src/${name}.ts`, import.meta.url).href),
  )
  const source = `
    import { progressOn } from ${progress}
    import { whenInterrupted } from ${interruption}
    const stream = { isTTY: true, columns: 80, write: text => process.stdout.write(text) }
    const progress = progressOn(stream, 'xterm')
    progress.stage('p = 0.8', 1)
    whenInterrupted(async () => progress.step())
    process.kill(process.pid, 'SIGINT')
    setInterval(() => {}, 1000)`
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.match(stdout, /p = 0\.8 {4}0 % ─{28}$/, 'what is under way draws none')
})

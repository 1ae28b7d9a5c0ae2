import { spawnSync } from 'node:child_process'
import type { Notice } from '@bazaar/cluster'
import type { CommandDef } from 'citty'
import t from 'tap'
import { checkArguments } from '../src/command-line.ts'
import { durationOption } from '../src/duration.ts'
import { helpOf } from '../src/help.ts'
import { noticeLines } from '../src/notices.ts'
import { statusText } from '../src/status.ts'
import { type FileResult, TapReader } from '../src/tap-reader.ts'
import { upOptions } from '../src/up.ts'

const command: CommandDef = {
  meta: { name: 'kill', description: 'Kills a process.' },
  args: {
    name: { type: 'positional', description: 'which one', required: true },
    data: { type: 'string', default: './data', valueHint: 'FOLDER', description: 'where the data is' },
    hold: { type: 'boolean', default: false, description: 'keep it down' },
  },
}

t.test('a command takes what it knows and nothing else', async t => {
  await checkArguments(command, ['order-1', '--data', 'x', '--hold'])
  await checkArguments(command, ['--data=x', 'order-1', '--no-hold'])
  const refusals: [string[], RegExp][] = [
    [['order-1', '--date', 'x'], /Unknown option '--date'; it takes --data, --hold/],
    [['order-1', '-d'], /Unknown option '-d'/],
    [['order-1', '--data'], /argument missing/],
    [['order-1', '--data', '-x'], /--data takes a value; one that begins with - is written --data=VALUE/],
    [['order-1', '--data', 'a', '--data=b'], /--data is given twice/],
    [['order-1', '--hold=3'], /does not take an argument/],
    [['order-1', 'order-2'], /unexpected argument "order-2"/],
    [[], /NAME is missing: which one/],
  ]
  for (const [rawArgs, message] of refusals) {
    await t.rejects(checkArguments(command, rawArgs), { name: 'UsageError', message }, rawArgs.join(' '))
  }
})

t.test('help shows every word and option with its default', async t => {
  t.equal(
    await helpOf(command),
    `Kills a process.

Usage: bazaar kill NAME [OPTIONS]

  NAME           which one
  --data FOLDER  where the data is (./data)
  --hold         keep it down`,
  )
})

t.test('help fits a terminal of 80 columns', async t => {
  const about = 'so much is to be said of it that the line goes on and on'
  const args = { 'a-long-option': { type: 'string', valueHint: 'N', description: about, default: '1' } } as const
  t.equal(
    await helpOf({ meta: { name: 'up', description: 'Starts.' }, args }),
    `Starts.

Usage: bazaar up [OPTIONS]

  --a-long-option N  so much is to be said of it that the line goes on and on
                     (1)`,
  )
})

t.test('what was started with nohup goes on without its terminal; what it starts does not', async t => {
  const interruption = JSON.stringify(new URL('../src/interruption.ts', import.meta.url).href)
  const source = `import { interruptions } from ${interruption}; console.log(...interruptions, process.env.BAZAAR_NOHUP)`
  const said = (nohup: string) => {
    const env = { ...process.env, BAZAAR_NOHUP: nohup }
    return spawnSync(process.execPath, ['--input-type=module', '--eval', source], { env, encoding: 'utf8' }).stdout
  }
  t.equal(said('1'), 'SIGINT SIGTERM undefined\n')
  t.equal(said(''), 'SIGINT SIGTERM SIGHUP undefined\n')
})

t.test('durations have a unit', async t => {
  const read = (text: string) => durationOption('restock', text, 3_600_000)
  t.strictSame(['off', '500ms', '10s', '1.5s', '2m', '1h'].map(read), [0, 500, 10_000, 1500, 120_000, 3_600_000])
  for (const text of ['10', '', '-1s', '0s', '2h', '1 s', 's']) {
    t.throws(() => read(text), { name: 'UsageError', message: /--restock must be off or a time like/ }, text)
  }
})

t.test('up checks its options before anything starts', async t => {
  const given = {
    port: '0',
    host: '127.0.0.1',
    data: '/d',
    replicas: '5',
    catalogs: '2',
    cache: 'off',
    products: '/p.json',
    restock: 'off',
    stock: '7',
  }
  t.match(upOptions(given, 'secret'), {
    data: '/d',
    port: 0,
    replicas: 5,
    catalogs: 2,
    cache: 0,
    products: '/p.json',
    restockMs: 0,
    stock: 7,
    adminToken: 'secret',
  })
  const refusals = {
    port: '65536',
    replicas: '4',
    catalogs: '0',
    cache: 'none',
    restock: '10',
    stock: '1.5',
    host: '',
    products: '',
  }
  for (const [option, value] of Object.entries(refusals)) {
    t.throws(() => upOptions({ ...given, [option]: value }, ''), { name: 'UsageError', message: `--${option}` })
  }
})

t.test('a process that keeps dying is not told about for ever', async t => {
  const line = noticeLines()
  const died = (lastWords: string, restartInMs: number): Notice => ({
    type: 'died',
    name: 'order-1',
    how: 'ended with status 1',
    restartInMs,
    lastWords,
    log: '/logs/order-1.log',
  })
  t.equal(line({ type: 'leader', name: 'order-2', term: 3 }, 0), 'order-2 leads (term 3)')
  t.equal(line(died('', 0), 0), 'order-1 ended with status 1; started again')
  t.equal(line({ type: 'up', name: 'order-1', pid: 9 }, 1), 'order-1 is back (pid 9)')
  t.equal(line(died('oh', 100), 2), 'order-1 ended with status 1; started again in 100 ms; it said: oh')
  t.match(line(died('oh', 200), 3), /again and will be kept trying; its log is \/logs\/order-1\.log; it said: oh/)
  t.equal(line(died('oh', 400), 4), null)
  t.equal(line({ type: 'up', name: 'order-1', pid: 9 }, 5), null)
  t.match(line(died('oh', 0), 100_000), /started again/, 'after a quiet minute it is news again')
})

t.test('status is a table that lines up', async t => {
  const unknown = { role: null, term: null, lastIndex: null, commitIndex: null, appliedIndex: null, rssMiB: null }
  const text = statusText({
    url: 'http://127.0.0.1:8080',
    data: '/d',
    leader: 'order-1',
    processes: [
      {
        ...unknown,
        name: 'order-1',
        pid: 11,
        state: 'up',
        role: 'leader',
        term: 2,
        lastIndex: 14,
        commitIndex: 14,
        rssMiB: 77.7,
      },
      { ...unknown, name: 'catalog-1', pid: null, state: 'down' },
    ],
  })
  t.equal(
    text,
    `http://127.0.0.1:8080  order-1 leads  /d

process    state  role    term  last  committed  applied  MiB  pid
──────────────────────────────────────────────────────────────────
order-1    up     leader     2    14         14        –   78   11
catalog-1  down   –          –     –          –        –    –    –`,
  )
  const nobody = { url: 'http://127.0.0.1:8080', data: '/d', leader: null, processes: [] }
  t.match(statusText(nobody), 'http://127.0.0.1:8080  nobody leads  /d')
})

t.test('the reader of TAP counts assertions and keeps what failures said', async t => {
  const results: FileResult[] = []
  const reader = new TapReader(result => results.push(result))
  for (const line of tapOfFiveFiles.split('\n')) reader.push(line)
  reader.end()
  t.strictSame(results, [
    {
      file: 'test/a.test.ts',
      passed: 3,
      failed: 1,
      skipped: ['needs python: no python3', 'nested › not here'],
      failures: [{ name: 'fails › should be equal', details: ['diff: |', '  -2', '  +1'] }],
      ms: 76.5,
    },
    {
      file: 'test/b.test.ts',
      passed: 0,
      failed: 1,
      skipped: [],
      failures: [{ name: 'test/b.test.ts', details: ['exitCode: 9'] }],
      ms: 5,
    },
    { file: 'test/c.test.ts', passed: 1, failed: 0, skipped: [], failures: [], ms: 8 },
    {
      file: 'test/d.test.ts',
      passed: 0,
      failed: 1,
      skipped: [],
      failures: [{ name: 'timeout!', details: ['expired: test/d.test.ts'] }],
      ms: 0,
    },
    {
      file: 'timeout!',
      passed: 0,
      failed: 1,
      skipped: [],
      failures: [{ name: 'timeout!', details: [] }],
      ms: 0,
    },
  ])
})

t.test('to the reader of TAP a file without a test has failed, and what a test prints is no result', async t => {
  const results: FileResult[] = []
  const reader = new TapReader(result => results.push(result))
  const lines = [
    ...['# Subtest: test/e.test.ts', '    # Subtest: prints', '  ok 7 - printed', ' # Subtest: printed too'],
    ...['        ok 1 - is', '        1..1', '    ok 1 - prints # time=1ms', '    1..1'],
    'ok 1 - test/e.test.ts # time=3ms',
    ...['# Subtest: test/f.test.ts', '    1..0 # no tests found', 'ok 2 - test/f.test.ts # SKIP no tests found'],
  ]
  for (const line of lines) reader.push(line)
  reader.end()
  t.strictSame(results, [
    { file: 'test/e.test.ts', passed: 1, failed: 0, skipped: [], failures: [], ms: 3 },
    {
      file: 'test/f.test.ts',
      passed: 0,
      failed: 1,
      skipped: [],
      failures: [{ name: 'no tests found', details: [] }],
      ms: 0,
    },
  ])
})

t.test('the reader of TAP tells of a file when all is known of it', async t => {
  const told: string[] = []
  const reader = new TapReader(({ file, failures }) => told.push(`${file}: ${failures.flatMap(one => one.details)}`))
  for (const line of tapOfFiveFiles.split('\n')) reader.push(line)
  t.strictSame(told.slice(1, 4), [
    'test/b.test.ts: exitCode: 9',
    'test/c.test.ts: ',
    'test/d.test.ts: expired: test/d.test.ts',
  ])
})

const tapOfFiveFiles = `TAP version 14
1..5
# Subtest: test/a.test.ts
    # Subtest: fails
        not ok 1 - should be equal
          ---
          diff: |
            -2
            +1
          ...
        
        ok 2 - should be equal
        1..2
    not ok 1 - fails # time=31.702ms
      ---
      at:
        fileName: test/a.test.ts
      ...
    
    ok 2 - needs python # SKIP no python3
    # Subtest: nested
        # Subtest: deep
            ok 1 - it holds - twice
            1..1
        ok 1 - deep # time=3.559ms
        
        ok 2 - late
        ok 3 - not here # SKIP
        1..3
    ok 3 - nested # time=7.347ms
    
    1..3
    # time=76.331ms
not ok 1 - test/a.test.ts # time=76.5ms
  ---
  exitCode: 1
  ...

# Subtest: test/b.test.ts
    1..0
not ok 2 - test/b.test.ts # time=5ms
  ---
  exitCode: 9
  ...

# Subtest: test/c.test.ts
    ok 1 - should be ok
    1..1
ok 3 - test/c.test.ts # time=8ms

not ok 4 - timeout!
  ---
  expired: test/d.test.ts
  ...

not ok 5 - timeout!
`

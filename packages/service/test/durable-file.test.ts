import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CorruptFileError, type Disk, DurableJSONFile, isDiskFull } from '@bazaar/service'
import t from 'tap'

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** A folder of files on a disk that forgets, when it crashes, whatever was not synced. */
class SimulatedDisk implements Disk {
  /** What a crash would leave: names of the folder, and the synced text of each file. */
  #durable = new Map<string, string>()
  #files = new Map<string, { text: string; synced: string }>()
  /** Names of the calls, in their order. */
  readonly calls: string[] = []
  /** Throws at will, by the name of a call. */
  fault: (call: string) => void = () => {}

  #call(name: string): void {
    this.calls.push(name)
    this.fault(name)
  }

  async create(path: string) {
    this.#call('create')
    const file = { text: '', synced: '' }
    this.#files.set(path, file)
    return {
      write: async (text: string) => {
        this.#call('write')
        file.text += text
      },
      sync: async () => {
        this.#call('sync')
        file.synced = file.text
      },
      close: async () => this.#call('close'),
    }
  }

  async read(path: string) {
    const file = this.#files.get(path)
    if (file === undefined) throw failure('ENOENT')
    return file.text
  }

  async rename(from: string, to: string) {
    this.#call('rename')
    const file = this.#files.get(from)
    if (file === undefined) throw failure('ENOENT')
    this.#files.delete(from)
    this.#files.set(to, file)
  }

  async unlink(path: string) {
    if (!this.#files.delete(path)) throw failure('ENOENT')
  }

  async syncFolder() {
    this.#call('syncFolder')
    this.#durable = new Map([...this.#files].map(([path, { synced }]) => [path, synced]))
  }

  /** The file as it may be found after a crash now: with the folder's changes not yet on disk, or with them. */
  afterCrash(path: string): (string | undefined)[] {
    return [this.#durable.get(path), this.#files.get(path)?.synced]
  }
}

const path = '/data/state.json'

t.test(
  'a power cut at any moment leaves one whole write, and never less than the last one that was confirmed',
  async t => {
    for (let crashAt = 0; ; crashAt += 1) {
      const disk = new SimulatedDisk()
      const file = await DurableJSONFile.open<number>(path, disk)
      let confirmed = 0
      disk.fault = () => {
        if (disk.calls.length === crashAt) throw failure('CRASH')
      }
      for (const value of [1, 2, 3]) {
        const written = await file.write(value).then(
          () => true,
          () => false,
        )
        if (!written) break
        confirmed = value
      }
      for (const text of disk.afterCrash(path)) {
        const found = text === undefined ? 0 : JSON.parse(text)
        t.ok(found === confirmed || found === confirmed + 1, `crash at call ${crashAt}: found ${found} of ${confirmed}`)
      }
      if (confirmed === 3) break
    }
  },
)

t.test('a file that cannot be read is named', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'state.json')
  mkdirSync(path)
  const file = await DurableJSONFile.open(path)
  await t.rejects(file.read(), { code: 'EISDIR', message: RegExp(path) })
})

t.test('writes at the same time are merged; the last one wins and settles last', async t => {
  const disk = new SimulatedDisk()
  const file = await DurableJSONFile.open<{ value: number }>(path, disk)
  const settled: number[] = []
  const data = { value: 0 }
  const writes = Array.from({ length: 20 }, (_, value) => {
    data.value = value
    return file.write(data).then(() => settled.push(value))
  })
  data.value = -1
  await Promise.all(writes)
  t.strictSame(
    settled,
    Array.from({ length: 20 }, (_, value) => value),
  )
  t.strictSame(await file.read(), { value: 19 }, 'data is taken as it was at the call')
  t.equal(disk.calls.filter(call => call === 'rename').length, 2, 'the first, and the last for all that waited')
})

t.test('a full disk may be tried again, any other failure is final', async t => {
  const disk = new SimulatedDisk()
  const file = await DurableJSONFile.open<string>(path, disk)
  await file.write('old')
  disk.fault = call => {
    if (call === 'write') throw failure('ENOSPC')
  }
  const error = await file.write('lost').catch(error => error)
  t.ok(isDiskFull(error))
  t.equal(await file.read(), 'old')
  t.strictSame(disk.afterCrash(`${path}.tmp`)[1], undefined)
  disk.fault = () => {}
  await file.write('new')
  t.equal(await file.read(), 'new')
  disk.fault = call => {
    if (call === 'syncFolder') throw failure('EIO')
  }
  await t.rejects(file.write('unsure'), { code: 'EIO' })
  disk.fault = () => {}
  await t.rejects(file.write('refused'), { code: 'EIO' }, 'nobody knows what is on disk')
})

t.test('on real files: absent is null, damaged is an error, leftovers go', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'bazaar-file-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const real = join(folder, 'state.json')
  writeFileSync(`${real}.tmp`, '{"half":')
  const file = await DurableJSONFile.open<{ term: number }>(real)
  t.strictSame(readdirSync(folder), [])
  t.equal(await file.read(), null)
  await file.write({ term: 7 })
  t.strictSame(await file.read(), { term: 7 })
  t.equal(readFileSync(real, 'utf8'), '{"term":7}\n')
  t.equal(statSync(real).mode & 0o777, 0o600)
  t.strictSame(readdirSync(folder), ['state.json'])
  writeFileSync(real, '{"term":')
  await t.rejects(file.read(), CorruptFileError)
  const nowhere = await DurableJSONFile.open<number>(join(folder, 'absent', 'state.json'))
  await t.rejects(nowhere.write(1), { code: 'ENOENT' })
})

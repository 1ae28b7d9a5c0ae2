import { check, type Model, type Operation } from '@bazaar/linearizability'
import t from 'tap'

interface Step extends Operation {
  readonly call: 'write' | 'read' | 'push' | 'pop'
  /** The value written or pushed; what a read or pop gave; null with no answer or from an empty queue. */
  readonly value: number | null
}

/** A line of `client call value invoked returned`; `?` stands for no answer, `-` for nothing. */
function parse(text: string): Step[] {
  return text
    .trim()
    .split('\n')
    .map(line => {
      const [client, call, value, invoked, returned] = line.trim().split(/\s+/) as [
        string,
        Step['call'],
        string,
        string,
        string,
      ]
      return {
        client,
        call,
        value: value === '-' ? null : Number(value),
        invoked: Number(invoked),
        returned: returned === '?' ? null : Number(returned),
      }
    })
}

const register: Model<{ value: number }, Step> = {
  initial: { value: 0 },
  apply(state, { call, value }) {
    if (call === 'read') return state.value === value ? [state] : []
    return [{ value: value as number }]
  },
  readOnly: step => step.call === 'read',
  key: state => `${state.value}`,
  kind: step => `${step.call} ${step.value}`,
  describe: step => `${step.call} ${step.value}`,
  describeState: state => `register ${state.value}`,
}

const queue: Model<readonly number[], Step> = {
  initial: [],
  apply(state, { call, value, returned }) {
    if (call === 'push') return [[...state, value as number]]
    if (state.length === 0) return value === null ? [state] : []
    return returned === null || state[0] === value ? [state.slice(1)] : []
  },
  readOnly: step => step.call === 'pop' && step.returned !== null && step.value === null,
  key: state => state.join(),
  kind: step => `${step.call} ${step.value}`,
  describe: step => `${step.call} ${step.value}`,
  describeState: state => `queue ${state}`,
}

t.test('an empty history is linearizable', async t => {
  t.same(check(register, []), { ok: true })
})

t.test('registers: what each history is known to be', async t => {
  const good = {
    'concurrent reads may see a write in any order': 'a write 1 0 10\nb read 1 1 3\nc read 0 1 3',
    'a write without an answer may have happened': 'a write 1 0 ?\nb read 0 1 2\nb read 1 5 6',
    'a write without an answer need not have happened': 'a write 1 0 ?\nb read 0 100 101',
    'reads of the other write while both are open': 'a write 1 0 10\nb write 2 0 10\nc read 2 1 2\nc read 1 3 4',
    'a call at the time of a return is concurrent with it': 'a write 1 0 5\nb read 0 5 6',
  }
  for (const [name, text] of Object.entries(good)) t.same(check(register, parse(text)), { ok: true }, name)
  const bad = {
    'a stale read': 'a write 1 0 1\nb read 0 2 3',
    'a value from nowhere': 'a write 1 0 1\nb read 7 2 3',
    'reads that go back': 'a write 1 0 10\nb read 1 1 2\nc read 0 3 4',
    'a write without an answer is seen before it was called': 'b read 1 0 1\na write 1 2 ?',
    'two readers that disagree on the order of two writes':
      'a write 1 0 1\nb write 2 0 1\nc read 1 2 3\nd read 2 2 3\nc read 1 4 5\nd read 1 6 7\nc read 2 8 9',
  }
  for (const [name, text] of Object.entries(bad)) {
    const verdict = check(register, parse(text))
    t.match(verdict, { ok: false, undecided: false }, name)
  }
})

t.test('queues: what each history is known to be', async t => {
  const good = {
    'first in, first out': 'a push 1 0 1\na push 2 2 3\nb pop 1 4 5\nb pop 2 6 7\nb pop - 8 9',
    'concurrent pushes come out in either order': 'a push 1 0 5\nb push 2 0 5\nc pop 2 6 7\nc pop 1 8 9',
    'a pop without an answer explains a loss': 'a push 1 0 1\nb pop - 2 ?\nc pop - 4 5',
  }
  for (const [name, text] of Object.entries(good)) t.same(check(queue, parse(text)), { ok: true }, name)
  const bad = {
    'last in, first out': 'a push 1 0 1\na push 2 2 3\nb pop 2 4 5',
    'one value twice': 'a push 1 0 1\nb pop 1 2 5\nc pop 1 2 5',
    'empty while a value must be there': 'a push 1 0 1\nb pop - 2 3\nb pop 1 4 5',
  }
  for (const [name, text] of Object.entries(bad))
    t.match(check(queue, parse(text)), { ok: false, undecided: false }, name)
})

t.test('an explanation shows how far it went, the state, and what is impossible', async t => {
  const verdict = check(register, parse('a write 1 0 1\nb read 1 2 3\nc read 0 4 5\nc read 1 8 9'))
  t.equal(
    verdict.ok ? '' : verdict.explanation,
    [
      'not linearizable: 2 of 4 operations fit, then none of the open ones can be next',
      'the last that fit, in order:',
      '  0–1 a: write 1',
      '  2–3 b: read 1',
      'the state then: register 1',
      'open, and impossible now:',
      '  4–5 c: read 0',
    ].join('\n'),
  )
})

t.test('a search that meets its bound is undecided, not wrong', async t => {
  const writes = Array.from({ length: 12 }, (_, at) => `w${at} write ${at + 1} 0 100`).join('\n')
  const history = parse(`${writes}\nr read 99 50 60`)
  t.match(check(register, history, { stepsMax: 1000, deadEndsMax: 1e6 }), { ok: false, undecided: true })
  t.match(check(register, history, { stepsMax: 1e9, deadEndsMax: 50 }), { ok: false, undecided: true })
  t.match(check(register, history), { ok: false, undecided: false }, 'and decided with room')
})

t.test('every small history is judged as brute force judges it', async t => {
  for (let seed = 1; seed <= 3000; seed++) {
    const history = randomHistory(seed)
    if (check(register, history).ok !== bruteForce(history)) t.fail(`seed ${seed}: ${JSON.stringify(history)}`)
  }
})

/** Five operations of a few clients with small values, times and now and then no answer. */
function randomHistory(seed: number): Step[] {
  let state = seed
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  return Array.from({ length: 5 }, (_, at) => {
    const invoked = below(8)
    const write = below(2) === 0
    const returned = write && below(4) === 0 ? null : invoked + 1 + below(4)
    return { client: `c${at}`, call: write ? 'write' : 'read', value: below(3), invoked, returned }
  })
}

/** Tries every order of every subset that holds all answered operations. */
function bruteForce(history: readonly Step[], value = 0): boolean {
  if (history.every(step => step.returned === null)) return true
  return history.some((step, at) => {
    const rest = history.toSpliced(at, 1)
    if (rest.some(other => other.returned !== null && other.returned < step.invoked)) return false
    if (step.call === 'write') return bruteForce(rest, step.value as number)
    return step.value === value && bruteForce(rest, value)
  })
}

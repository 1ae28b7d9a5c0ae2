import type { Verdict } from '@bazaar/linearizability'
import type { ChaosResult } from './chaos-run.ts'
import { formatCount, formatMs, plural, roundDeep } from './format.ts'
import { summarize } from './statistics.ts'
import { columns, textTable } from './table.ts'

/** Whether clients noticed nothing, nothing acknowledged was lost, and everything agrees. */
export function chaosPassed(result: ChaosResult): boolean {
  const { record, failoversMs } = result
  const { lost, wrong, duplicated } = harm(result)
  const unharmed = lost + wrong + duplicated === 0 && stockExact(result) && replicasIdentical(result)
  return unharmed && record.failed === 0 && failoversMs.every(time => time !== null) && verdictOk(result)
}

const verdictOk = ({ orders, lookups }: ChaosResult): boolean => orders.ok && lookups.ok
const stockExact = ({ stock }: ChaosResult): boolean => stock.wrong === 0
const replicasIdentical = ({ sha256 }: ChaosResult): boolean => new Set(sha256).size === 1

/** What the logs say and what reading back through the front-end says, together. */
function harm({ audit, readBack }: ChaosResult): { lost: number; wrong: number; duplicated: number } {
  return { lost: audit.lost, wrong: audit.wrong + readBack.mismatches + readBack.unread, duplicated: audit.duplicated }
}

/** The result for a person at a terminal, without a final newline. */
export function chaosText(result: ChaosResult): string {
  const { options, elapsedMs } = result
  const head =
    `Bazaar chaos · ${plural(options.clients, 'client')} · ${(elapsedMs / 1000).toFixed(0)} s · ` +
    `${plural(result.faults.length, 'fault')} · seed ${options.seed}`
  return [head, faultTable(result), checkTable(result), ...details(result), answers(result)].join('\n\n')
}

function faultTable({ faults, stallsMs, slowestLookupsMs, failoversMs }: ChaosResult): string {
  const felt = faults.map((fault, at) => ({
    fault,
    stallMs: stallsMs[at] ?? 0,
    lookupMs: slowestLookupsMs[at] ?? null,
  }))
  const row = (fault: string, target: string, group: typeof felt): string[] => {
    const { p50, p99, max } = summarize(group.map(({ stallMs }) => stallMs))
    const lookups = summarize(group.flatMap(({ lookupMs }) => lookupMs ?? []))
    return [fault, target, String(group.length), ...[p50, p99, max, lookups.p50, lookups.max].map(formatMs)]
  }
  const groups = Map.groupBy(
    felt,
    ({ fault }) => `${fault.fault} ${fault.fault === 'enospc' ? 'replicas' : fault.target}`,
  )
  const rows = [...groups]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, group]) => {
      const [fault = '', target = ''] = name.split(' ')
      return row(fault, target, group)
    })
  const headings = columns('<fault', '<target', 'times', 'no order p50', 'p99', 'max', 'slowest look-up p50', 'max')
  const table = textTable({ columns: headings, rows: [...rows, row('all', '', felt)] })
  const lines = [`How long the clients had to wait (ms)\n\n${table}`]
  const failover = summarize(failoversMs.filter(time => time !== null))
  if (failover.count > 0) {
    const figures = `p50 ${formatMs(failover.p50)}, p99 ${formatMs(failover.p99)}, max ${formatMs(failover.max)} ms`
    lines.push(`After ${plural(failover.count, 'kill')} of the leader the next order was answered in: ${figures}`)
  }
  return lines.join('\n\n')
}

function checkTable(result: ChaosResult): string {
  const { record, stock, orders, lookups } = result
  const { lost, wrong, duplicated } = harm(result)
  const answered = record.requests - record.failed - record.retried
  const row = (what: string, found: string, ok: boolean) => [what, found, ok ? 'ok' : 'FAILED']
  const counts = `${lost} lost, ${wrong} wrong, ${duplicated} duplicated`
  const wrongOf = stockExact(result) ? '' : `, wrong for ${plural(stock.wrong, 'product')}`
  const units = `${formatCount(stock.actual)} units shown, ${formatCount(stock.expected)} by the log${wrongOf}`
  const hash = replicasIdentical(result) ? `sha256 ${result.sha256[0]?.slice(0, 16)}…` : 'differ'
  const rows = [
    row('requests', `${formatCount(answered)} answered, ${record.failed} failed`, record.failed === 0),
    row('  sent again', `${record.retried}, while the front-end was down or the disk full`, true),
    row(
      'orders',
      `${formatCount(record.acknowledged.length)} acknowledged: ${counts}`,
      lost + wrong + duplicated === 0,
    ),
    row('stock', units, stockExact(result)),
    row('replicas', `${result.sha256.length} logs, ${hash}`, replicasIdentical(result)),
    row('linearizable', `${formatCount(record.operations.length)} orders and order queries`, orders.ok),
    row('never back in time', `${formatCount(record.lookups.length)} look-ups`, lookups.ok),
  ]
  return textTable({ columns: columns('<check', '<found', '<'), rows })
}

function details({ record, failoversMs, readBack, audit, orders, lookups, sha256 }: ChaosResult): string[] {
  const explain = (verdict: Verdict): string[] => (verdict.ok ? [] : [verdict.explanation])
  const differing = new Set(sha256).size > 1 ? sha256.map((hash, at) => `order-${at + 1}: ${hash}`) : []
  const unanswered = failoversMs.filter(time => time === null).length
  const noMore =
    unanswered === 0 ? [] : [`after ${plural(unanswered, 'kill')} of the leader no order was answered any more`]
  const lines = [...record.failures, ...noMore, ...audit.examples, ...readBack.examples, ...differing]
  lines.push(...explain(orders), ...explain(lookups))
  return lines.length === 0 ? [] : [lines.join('\n')]
}

/** The original report's two questions. */
function answers(result: ChaosResult): string {
  const { record, stallsMs, sha256 } = result
  const longest = formatMs(summarize(stallsMs).max)
  const noticed =
    record.failed === 0
      ? `No: none of ${formatCount(record.requests)} requests failed; the longest wait for an order was ${longest} ms.`
      : `Yes: ${formatCount(record.failed)} of ${formatCount(record.requests)} requests failed.`
  const door =
    record.retried === 0
      ? ''
      : ` While the front-end itself was down or the disk full, ${plural(record.retried, 'request')} had to be sent again.`
  const same = replicasIdentical(result)
    ? `Yes: all ${sha256.length} files have the same SHA-256.`
    : `No: the ${sha256.length} files have ${new Set(sha256).size} different SHA-256.`
  return [
    `Can the clients notice the failures? ${noticed}${door}`,
    `Do all the order service replicas end up with the same database file? ${same}`,
    chaosPassed(result) ? 'all well' : `FAILED; run it again with --seed ${result.options.seed}`,
  ].join('\n')
}

/** What `chaos --json` writes. */
export function chaosJson(result: ChaosResult): object {
  const { record, faults, stallsMs, failoversMs, stock, sha256, options, elapsedMs } = result
  const kinds = Object.groupBy(faults, fault => fault.fault)
  const figures = (times: readonly number[]) => {
    const { p50, p99, max } = summarize(times)
    return { p50, p99, max }
  }
  return roundDeep({
    faults: Object.fromEntries(Object.entries(kinds).map(([kind, group]) => [kind, group.length])),
    requests: record.requests,
    failed: record.failed,
    retried: record.retried,
    acknowledged: record.acknowledged.length,
    ...harm(result),
    stock,
    replicasIdentical: replicasIdentical(result),
    sha256,
    linearizable: result.orders.ok,
    lookupsNeverBack: result.lookups.ok,
    stallMs: figures(stallsMs),
    failoverMs: { count: failoversMs.length, ...figures(failoversMs.filter(time => time !== null)) },
    failures: record.failures,
    seed: options.seed,
    seconds: elapsedMs / 1000,
    passed: chaosPassed(result),
  })
}

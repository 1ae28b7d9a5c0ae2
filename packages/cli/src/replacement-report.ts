import { cut, formatCount, plural, textWidth } from './format.ts'
import type { ReplacementStep } from './replacement.ts'

/** Names and steps side by side are no wider than a terminal; more steps go below. */
const widthMax = 80
const nameLengthMax = 24
const gap = '  '

const marks = { hit: '●', miss: '○', order: '×' } as const

/** Whether the front-end did what an LRU of its size does, every time. */
export function replacementPassed(steps: readonly ReplacementStep[]): boolean {
  return steps.every(({ event, expected }) => event === expected)
}

/** A row for each product, a column for each step: what the cache holds over time. Without a final newline. */
export function replacementText(
  products: readonly string[],
  entriesMax: number,
  steps: readonly ReplacementStep[],
): string {
  return [
    entriesMax === 0
      ? `The cache is off: of ${plural(products.length, 'product')} it holds none\n` +
        `${marks.hit} hit   ${marks.miss} miss   ${marks.order} ordered   (blank) not asked for`
      : `What the cache of ${entries(entriesMax)} holds over time, ${plural(products.length, 'product')}\n` +
        `${marks.hit} hit   ${marks.miss} miss, now held   ${marks.order} ordered, still held   ─ held   (blank) not held`,
    ...blocksOf(products, steps),
    hitsLine(entriesMax, steps),
    replacementPassed(steps) ? 'all well' : 'FAILED',
  ].join('\n\n')
}

function hitsLine(entriesMax: number, steps: readonly ReplacementStep[]): string {
  const lookups = steps.filter(({ event }) => event !== 'order')
  const hits = lookups.filter(({ event }) => event === 'hit').length
  const seen = `${formatCount(hits)} of ${formatCount(lookups.length)} look-ups were hits`
  if (entriesMax === 0) return hits === 0 ? seen : `${seen}, although the cache is off`
  const agreeing = lookups.filter(({ event, expected }) => event === expected).length
  return `${seen}; ${formatCount(agreeing)} of ${formatCount(lookups.length)} were what an LRU of ${entries(entriesMax)} does`
}

const entries = (count: number): string => (count === 1 ? '1 entry' : `${formatCount(count)} entries`)

function blocksOf(products: readonly string[], steps: readonly ReplacementStep[]): string[] {
  const labels = products.map(name => cut(name, nameLengthMax))
  const labelWidth = Math.max(...labels.map(textWidth))
  const padded = labels.map(label => label + ' '.repeat(labelWidth - textWidth(label)))
  const stepsPerBlock = widthMax - labelWidth - gap.length
  const blocks: string[] = []
  for (let from = 0; from < steps.length; from += stepsPerBlock) {
    const rows = rowsOf(products, steps.slice(from, from + stepsPerBlock))
    blocks.push(rows.map((row, at) => `${padded[at]}${gap}${row}`.trimEnd()).join('\n'))
  }
  return blocks
}

function rowsOf(products: readonly string[], steps: readonly ReplacementStep[]): string[] {
  const cell = (product: string, { name, event, held }: ReplacementStep): string => {
    if (product === name) return marks[event]
    return held.includes(product) ? '─' : ' '
  }
  return products.map(product => steps.map(step => cell(product, step)).join(''))
}

/** The result for programs. */
export function replacementJson(entriesMax: number, steps: readonly ReplacementStep[]): object {
  return { entriesMax, steps, passed: replacementPassed(steps) }
}

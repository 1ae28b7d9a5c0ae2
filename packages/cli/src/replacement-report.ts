import { formatCount } from './format.ts'
import type { ReplacementStep } from './replacement.ts'

/** Steps side by side; more go below. */
const stepsPerBlock = 80

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
  const blocks: string[] = []
  for (let from = 0; from < steps.length; from += stepsPerBlock) {
    blocks.push(block(products, steps.slice(from, from + stepsPerBlock)))
  }
  const lookups = steps.filter(({ event }) => event !== 'order')
  const hits = lookups.filter(({ event }) => event === 'hit').length
  const agreeing = lookups.filter(({ event, expected }) => event === expected).length
  return [
    `What the cache of ${entriesMax} entries holds over time, ${products.length} products\n` +
      `${marks.hit} hit   ${marks.miss} miss, now held   ${marks.order} ordered, still held   ─ held   (blank) not held`,
    ...blocks,
    `${formatCount(hits)} of ${formatCount(lookups.length)} look-ups were hits; ` +
      `${formatCount(agreeing)} of ${formatCount(lookups.length)} were what an LRU of ${entriesMax} entries does`,
    replacementPassed(steps) ? 'all well' : 'FAILED',
  ].join('\n\n')
}

function block(products: readonly string[], steps: readonly ReplacementStep[]): string {
  const width = Math.max(...products.map(name => name.length))
  const cell = (product: string, { name, event, held }: ReplacementStep): string => {
    if (product === name) return marks[event]
    return held.includes(product) ? '─' : ' '
  }
  return products
    .map(product => `${product.padEnd(width)}  ${steps.map(step => cell(product, step)).join('')}`.trimEnd())
    .join('\n')
}

/** The result for programs. */
export function replacementJson(entriesMax: number, steps: readonly ReplacementStep[]): object {
  return { entriesMax, steps, passed: replacementPassed(steps) }
}

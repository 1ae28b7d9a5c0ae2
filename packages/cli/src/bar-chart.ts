/** A bar of a terminal chart: what it stands for, how long it is, and the text after it. */
export interface Bar {
  label: string
  value: number
  text: string
}

/** Blocks of one to eight eighths of a character's width. */
const eighths = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'] as const
const barWidth = 48

/** Draws horizontal bars in proportion to the longest, one a line, with an eighth of a character's precision. */
export function barChart(bars: readonly Bar[]): string {
  const longest = Math.max(...bars.map(bar => bar.value))
  const labelWidth = Math.max(...bars.map(bar => bar.label.length))
  return bars
    .map(({ label, value, text }) => {
      const units = longest > 0 ? Math.round((value / longest) * barWidth * 8) : 0
      const partial = units % 8 === 0 ? '' : (eighths[(units % 8) - 1] ?? '')
      const bar = '█'.repeat(Math.floor(units / 8)) + partial
      return `${label.padEnd(labelWidth)}  ${bar} ${text}`
    })
    .join('\n')
}

/** A column of a text table: its heading, and how its cells line up. */
export interface Column {
  heading: string
  align: 'left' | 'right'
}

/** Headings and rows, to be laid out as text or as Markdown; each row has a cell for each column. */
export interface Table {
  columns: Column[]
  rows: string[][]
}

/**
 * Lays rows out as a text table with a rule under the headings. Every row must have as many cells as there are columns.
 *
 * @returns lines without a final newline, none ending in blanks
 */
export function textTable({ columns, rows }: Table): string {
  const widths = columns.map((column, at) =>
    Math.max(column.heading.length, ...rows.map(row => (row[at] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, at) => {
        const width = widths[at] ?? 0
        const cell = cells[at] ?? ''
        return align === 'left' ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd()
  const rule = widths.map(width => '─'.repeat(width)).join('──')
  return [line(columns.map(column => column.heading)), rule, ...rows.map(line)].join('\n')
}

/** The same table in Markdown. */
export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = line(columns.map(({ align }) => (align === 'left' ? '---' : '---:')))
  return [line(columns.map(column => column.heading)), rule, ...rows.map(line)].join('\n')
}

/** Headings that begin with `<` are of left-aligned columns: `columns('<fault', 'times')`. */
export function columns(...headings: string[]): Column[] {
  return headings.map(heading =>
    heading.startsWith('<') ? { heading: heading.slice(1), align: 'left' } : { heading, align: 'right' },
  )
}

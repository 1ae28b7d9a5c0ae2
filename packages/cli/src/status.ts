import { type ClusterStatus, connectCluster, type ProcessStatus } from '@bazaar/cluster'
import { defineCommand } from 'citty'
import { dataOption, enterDataFolder } from './data-option.ts'
import { columns, textTable } from './table.ts'

export const statusCommand = defineCommand({
  meta: { name: 'status', description: 'Shows every process of a running shop, and who leads.' },
  args: { ...dataOption, json: { type: 'boolean', default: false, description: 'for programs' } },
  async run({ args }) {
    const status = await connectCluster(enterDataFolder(args.data)).status()
    console.log(args.json ? JSON.stringify(status) : statusText(status))
  },
})

/** The status as a person reads it: where the shop is, who leads, and a line for each process. */
export function statusText({ url, data, leader, processes }: ClusterStatus): string {
  const headings = columns('<process', '<state', '<role', 'term', 'last', 'committed', 'applied', 'MiB', 'pid')
  const lead = leader === null ? 'nobody leads' : `${leader} leads`
  return `${url}  ${lead}  ${data}\n\n${textTable({ columns: headings, rows: processes.map(cells) })}`
}

function cells(status: ProcessStatus): string[] {
  const { name, state, role, term, lastIndex, commitIndex, appliedIndex, rssMiB, pid } = status
  const known = (value: number | string | null) => (value === null ? '–' : String(value))
  return [
    name,
    state,
    ...[role, term, lastIndex, commitIndex, appliedIndex, rssMiB && Math.round(rssMiB), pid].map(known),
  ]
}

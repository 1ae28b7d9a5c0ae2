import { type Action, connectCluster, shellWord } from '@bazaar/cluster'
import { defineCommand } from 'citty'
import { dataOption, enterDataFolder } from './data-option.ts'

const nameArgument = {
  name: { type: 'positional', description: 'leader, order-1 …, catalog-1 … or frontend-1', required: true },
} as const

export const killCommand = defineCommand({
  meta: { name: 'kill', description: 'Kills a process with SIGKILL. It is started again at once, unless --hold.' },
  args: {
    ...nameArgument,
    ...dataOption,
    hold: { type: 'boolean', default: false, description: 'keep it down until bazaar start' },
  },
  async run({ args }) {
    const data = enterDataFolder(args.data)
    const name = await connectCluster(data).kill(args.name, { hold: args.hold })
    console.log(
      args.hold
        ? `${name} killed; it stays down until: bazaar start ${name} --data ${shellWord(data)}`
        : `${name} killed`,
    )
  },
})

export const pauseCommand = signalCommand('pause', 'paused', 'Stops a process in its tracks with SIGSTOP.')
export const resumeCommand = signalCommand('resume', 'resumed', 'Lets a paused process go on with SIGCONT.')
export const startCommand = signalCommand('start', 'started', 'Starts a process that was killed with --hold.')

function signalCommand(action: Exclude<Action, 'kill'>, done: string, description: string) {
  return defineCommand({
    meta: { name: action, description },
    args: { ...nameArgument, ...dataOption },
    async run({ args }) {
      const cluster = connectCluster(enterDataFolder(args.data))
      console.log(`${await cluster[action](args.name)} ${done}`)
    },
  })
}

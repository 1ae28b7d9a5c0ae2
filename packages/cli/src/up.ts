import { resolve } from 'node:path'
import { cacheEntriesMax, catalogsMax, FrontendClient, portMax, quantityMax, restockMaxMs } from '@bazaar/client'
import {
  type Cluster,
  type ClusterOptions,
  defaultSettings,
  type Notice,
  prepareDataFolder,
  shellWord,
  startCluster,
} from '@bazaar/cluster'
import { defineCommand } from 'citty'
import { dataFolder, dataOption, enterDataFolder } from './data-option.ts'
import { durationOption } from './duration.ts'
import { interruptions } from './interruption.ts'
import { noticeLines } from './notices.ts'
import { integerOption, notEmpty } from './option-values.ts'
import { replicasOption } from './replicas-option.ts'
import { exitStatus } from './usage-error.ts'

/** Characters that wait for a terminal that takes none; notices beyond it are left out. */
const unreadLengthMax = 65_536

const args = {
  port: {
    type: 'string',
    default: String(defaultSettings.port),
    valueHint: 'N',
    description: 'TCP port; 0 takes a free one',
  },
  host: { type: 'string', default: defaultSettings.host, valueHint: 'ADDRESS', description: 'address to listen on' },
  ...dataOption,
  replicas: {
    type: 'string',
    default: String(defaultSettings.replicas),
    valueHint: 'N',
    description: 'order replicas, odd',
  },
  catalogs: { type: 'string', default: String(defaultSettings.catalogs), valueHint: 'N', description: 'catalogs' },
  cache: {
    type: 'string',
    default: String(defaultSettings.cache),
    valueHint: 'N|off',
    description: 'products in the cache',
  },
  products: {
    type: 'string',
    valueHint: 'FILE',
    description: 'JSON: [{"name","price","quantity"}]; without it, twelve of our own',
  },
  restock: {
    type: 'string',
    default: '10s',
    valueHint: 'TIME|off',
    description: 'how often what is out of stock comes back',
  },
  stock: {
    type: 'string',
    default: String(defaultSettings.stock),
    valueHint: 'N',
    description: 'units of a product at first and after a restock',
  },
} as const

export const upCommand = defineCommand({
  meta: { name: 'up', description: 'Starts the shop, restarts what crashes, stops all on Ctrl-C.' },
  args,
  async run({ args }) {
    const options = upOptions(args, process.env.ADMIN_TOKEN ?? '')
    // Also for its processes: no socket is open to others, not even between its `listen` and a `chmod`.
    process.umask(0o077)
    enterDataFolder(prepareDataFolder(options.data))
    process.exitCode = await up(options)
  },
})

type UpArguments = Record<Exclude<keyof typeof args, 'products'>, string> & { products?: string | undefined }

/** Checks the command line's words. Throws a `UsageError` that names the option, its rule and the value. */
export function upOptions(given: UpArguments, adminToken: string): ClusterOptions & { data: string } {
  const data = dataFolder(given.data)
  return {
    data,
    host: notEmpty('host', 'an address', given.host),
    port: integerOption('port', given.port, 0, portMax),
    replicas: replicasOption(given.replicas, data),
    catalogs: integerOption('catalogs', given.catalogs, 1, catalogsMax),
    cache: given.cache === 'off' ? 0 : integerOption('cache', given.cache, 0, cacheEntriesMax),
    products: given.products === undefined ? null : resolve(notEmpty('products', 'a file', given.products)),
    restockMs: durationOption('restock', given.restock, restockMaxMs),
    stock: integerOption('stock', given.stock, 0, quantityMax),
    adminToken,
  }
}

async function up(options: ClusterOptions): Promise<number> {
  neverWaitForTerminal()
  const interrupted = interruption()
  const lines = noticeLines()
  // What goes wrong before the shop is open is why it does not open, and is said then.
  let open = false
  const onNotice = (notice: Notice) => {
    const line = open && !interrupted.signal.aborted ? lines(notice, performance.now()) : null
    if (line !== null && process.stdout.writableLength < unreadLengthMax)
      console.log(`${new Date().toTimeString().slice(0, 8)} ${line}`)
  }
  const { replicas, catalogs, data } = options
  console.log(`starting ${replicas} × order, ${catalogs} × catalog and the front-end on ${data}`)
  try {
    const cluster = await startCluster({ ...options, onNotice, signal: interrupted.signal })
    open = true
    await greet(cluster, options.adminToken !== '')
    await interrupted.happened
    console.log('stopping; once more to stop at once')
    interrupted.again(() => cluster.forceStop())
    await cluster.stop()
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
  }
  console.log('stopped')
  return exitStatus.ok
}

async function greet({ url, data }: Cluster, tokenFromEnvironment: boolean): Promise<void> {
  const frontend = new FrontendClient(url, 1)
  const [product] = await frontend.products().finally(() => frontend.close())
  const order = JSON.stringify({ name: product?.name ?? 'Tux', quantity: 1, type: 'buy' })
  console.log(`ready ${url}`)
  console.log(`  buy:   curl ${shellWord(`${url}/orders`)} -H 'content-type: application/json' -d ${shellWord(order)}`)
  console.log(`  admin: the token is ${tokenFromEnvironment ? 'ADMIN_TOKEN' : `in ${data}/admin-token`}`)
  console.log('  stop:  Ctrl-C')
}

/** Node waits for a terminal at each write: one that is held, as by Ctrl-S, would hold up whoever starts what has died. */
function neverWaitForTerminal(): void {
  const { _handle: handle } = process.stdout as unknown as { _handle?: { setBlocking(blocking: boolean): void } }
  if (process.stdout.isTTY) handle?.setBlocking(false)
}

/** The first Ctrl-C (or SIGTERM, or the terminal's end) as a signal and a promise; later ones do what `again` says. */
function interruption() {
  const controller = new AbortController()
  const { promise: happened, resolve: happen } = Promise.withResolvers<void>()
  let onAgain: () => void = () => process.exit(exitStatus.failed)
  const interrupt = () => {
    if (controller.signal.aborted) return onAgain()
    controller.abort(new Error('interrupted'))
    happen()
  }
  for (const name of interruptions) process.on(name, interrupt)
  return {
    signal: controller.signal,
    happened,
    again(action: () => void) {
      onAgain = action
    },
  }
}

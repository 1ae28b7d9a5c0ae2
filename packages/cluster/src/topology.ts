import { fileURLToPath } from 'node:url'

/** What a cluster is made of. Every field is decided: defaults are `defaultSettings`. */
export interface ClusterSettings {
  /** The address that the front-end listens on. */
  host: string
  /** The front-end's TCP port. */
  port: number
  /** Order replicas, odd. */
  replicas: number
  catalogs: number
  /** Entries of the front-end's LRU cache; 0 is off. */
  cache: number
  /** The path of a JSON file of products, or null for the twelve built in. */
  products: string | null
  /** Units of every product to begin with, and after a restock. */
  stock: number
  /** How often a product that is out of stock is restocked, in ms; 0 is never. */
  restockMs: number
  /** The bearer token of the admin routes; empty closes them. */
  adminToken: string
}

/** The defaults of `bazaar up`. */
export const defaultSettings: ClusterSettings = {
  host: '127.0.0.1',
  port: 8080,
  replicas: 3,
  catalogs: 1,
  cache: 10,
  products: null,
  stock: 100,
  restockMs: 10_000,
  adminToken: '',
}

/** One process of a cluster: run `entry` with Node, the data folder as working directory and `env` added. */
export interface ProcessSpec {
  /** `order-1`, `catalog-1`, `frontend-1`: also the name of its socket, its log and its folder. */
  name: string
  /** Absolute path of the script. */
  entry: string
  env: Record<string, string>
}

/**
 * Young objects get 2 MiB instead of 16 before they are collected: 30 MB less a process, for a few per cent of CPU. Not in
 * the front-end, where every request leaves some, that live until its order is answered: a collection in between copies
 * them. The old ones take 20 MiB in each process, however many orders there are (those are outside of the heap); with 192
 * as their limit V8 collects before there is as much garbage again, which is 50 MB less in a replica that has just caught up.
 */
const nodeOptions = (service: Service): string =>
  `--max-semi-space-size=${service === 'frontend' ? 16 : 2} --max-old-space-size=192`

/** The service that a process belongs to: the part of its name before the number. */
export type Service = 'order' | 'catalog' | 'frontend'

/**
 * Who runs, as code: the one list that `up`, the tests, the benchmark and the systemd units of `infra` share.
 * The order replicas come first, the front-end last.
 *
 * @param data Absolute path of the data folder.
 */
export function topology(settings: ClusterSettings, data: string): ProcessSpec[] {
  const spec = (service: Service, number: number, env: Record<string, string>): ProcessSpec => {
    const name = `${service}-${number}`
    const common = {
      BAZAAR_NAME: name,
      BAZAAR_DATA: data,
      BAZAAR_REPLICAS: String(settings.replicas),
      NODE_OPTIONS: nodeOptions(service),
      // One pool of memory for all threads of a process (glibc), not one for each: 10 MB less in a replica.
      MALLOC_ARENA_MAX: '1',
    }
    return { name, entry: entryOf(service), env: { ...common, ...env } }
  }
  const catalogEnv: Record<string, string> = {
    BAZAAR_STOCK: String(settings.stock),
    BAZAAR_RESTOCK_MS: String(settings.restockMs),
  }
  if (settings.products !== null) catalogEnv.BAZAAR_PRODUCTS = settings.products
  const frontendEnv = {
    BAZAAR_HOST: settings.host,
    BAZAAR_PORT: String(settings.port),
    BAZAAR_CATALOGS: String(settings.catalogs),
    BAZAAR_CACHE: String(settings.cache),
    ADMIN_TOKEN: settings.adminToken,
  }
  return [
    ...numbers(settings.replicas).map(number => spec('order', number, {})),
    ...numbers(settings.catalogs).map(number => spec('catalog', number, catalogEnv)),
    spec('frontend', 1, frontendEnv),
  ]
}

/** The service that a process name belongs to. Throws when the name is not one of a process. */
export function serviceOf(name: string): Service {
  const service = /^(order|catalog|frontend)-\d+$/.exec(name)?.[1]
  if (service === undefined) throw new Error(`not the name of a process: ${JSON.stringify(name)}`)
  return service as Service
}

function entryOf(service: Service): string {
  return fileURLToPath(new URL(`../../../apps/${service}/dist/bundle.js`, import.meta.url))
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

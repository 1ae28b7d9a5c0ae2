import { cacheEntriesMax, catalogsMax, portMax } from '@bazaar/client'
import { commonEnvironment, readConfig } from '@bazaar/service'
import Type from 'typebox'

const Environment = Type.Object({
  ...commonEnvironment,
  BAZAAR_HOST: Type.String({ default: '127.0.0.1' }),
  /** 0 takes any free port. */
  BAZAAR_PORT: Type.Integer({ minimum: 0, maximum: portMax, default: 8080 }),
  BAZAAR_CATALOGS: Type.Integer({ minimum: 1, maximum: catalogsMax, default: 1 }),
  /** Products in the LRU; 0 turns it off. */
  BAZAAR_CACHE: Type.Integer({ minimum: 0, maximum: cacheEntriesMax, default: 10 }),
  /** Without it nobody may change products. */
  ADMIN_TOKEN: Type.Optional(Type.String({ pattern: '^[\\x21-\\x7e]+$', description: 'visible ASCII characters' })),
})

/** The front-end's configuration; the only reader of its environment. Throws a ConfigError that says what is wrong. */
export function frontendConfig(environment: Readonly<Record<string, string | undefined>> = process.env) {
  return readConfig(Environment, environment)
}

import { quantityMax, restockMaxMs } from '@bazaar/client'
import { commonEnvironment, readConfig } from '@bazaar/service'
import Type, { type Static } from 'typebox'

const Environment = Type.Object({
  ...commonEnvironment,
  /** A JSON file of the products to begin with. */
  BAZAAR_PRODUCTS: Type.Optional(Type.String()),
  /** The stock in units that a product begins with and is brought back to. */
  BAZAAR_STOCK: Type.Integer({ minimum: 0, maximum: quantityMax, default: 100 }),
  /** How often products that are out of stock are brought back; 0: never. */
  BAZAAR_RESTOCK_MS: Type.Integer({ minimum: 0, maximum: restockMaxMs, default: 10_000 }),
})

export type Config = Readonly<Static<typeof Environment>>

/** @throws ConfigError */
export function readCatalogConfig(): Config {
  return readConfig(Environment)
}

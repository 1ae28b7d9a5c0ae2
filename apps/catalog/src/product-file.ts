import { readFile } from 'node:fs/promises'
import { Name, Price, quantityMax } from '@bazaar/client'
import { ConfigError, checkOf } from '@bazaar/service'
import Type from 'typebox'
import { defaultProducts, type InitialProduct } from './default-products.ts'

/** Products in a file, at most. */
const productsMax = 10_000

const ProductFile = Type.Array(
  Type.Object(
    { name: Name, price: Price, quantity: Type.Optional(Type.Integer({ minimum: 0, maximum: quantityMax })) },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: productsMax },
)

/**
 * The products to begin with: a JSON file `[{"name","price","quantity"?}, …]`, or the default ones without a path.
 *
 * @throws ConfigError that names the file, the field, the rule and the value
 */
export async function readProductFile(path: string | undefined): Promise<readonly InitialProduct[]> {
  if (path === undefined) return defaultProducts
  try {
    const products: InitialProduct[] = checkOf(ProductFile, 'the file')(JSON.parse(await readFile(path, 'utf8')))
    const names = new Set<string>()
    for (const { name } of products) {
      if (names.has(name)) throw new Error(`${JSON.stringify(name)} is there twice`)
      names.add(name)
    }
    return products
  } catch (error) {
    // Who started the shop is shown the last line, and JSON.parse quotes the line breaks of the file as they are.
    throw new ConfigError(`products file ${path}: ${(error as Error).message}`.replaceAll(/\p{Cc}+/gu, ' '))
  }
}

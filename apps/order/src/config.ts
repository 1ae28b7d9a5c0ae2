import { ConfigError, commonEnvironment, readConfig } from '@bazaar/service'
import Type from 'typebox'

/** The environment of an order replica; its number is the one in its name. */
export interface Config {
  readonly name: string
  readonly id: number
  readonly data: string
  readonly replicas: number
  readonly supervised: boolean
}

/** @throws ConfigError naming the variable, the rule and the value */
export function orderConfig(variables: Readonly<Record<string, string | undefined>> = process.env): Config {
  const environment = readConfig(Type.Object(commonEnvironment), variables)
  const { BAZAAR_NAME: name, BAZAAR_DATA: data, BAZAAR_REPLICAS: replicas, BAZAAR_SUPERVISED: supervised } = environment
  // What is left of another service's name is no number.
  const id = Number(name.replace(/^order-/, ''))
  if (!(id <= replicas)) {
    throw new ConfigError(`BAZAAR_NAME must be order-1..order-${replicas}, got ${JSON.stringify(name)}`)
  }
  return Object.freeze({ name, id, data, replicas, supervised: supervised === 1 })
}

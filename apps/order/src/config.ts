import { commonEnvironment, readConfig } from '@bazaar/service'
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
export function orderConfig(): Config {
  const environment = readConfig(Type.Object(commonEnvironment))
  const { BAZAAR_NAME: name, BAZAAR_DATA: data, BAZAAR_REPLICAS: replicas, BAZAAR_SUPERVISED: supervised } = environment
  return Object.freeze({ name, id: Number(name.split('-')[1]), data, replicas, supervised: supervised === 1 })
}

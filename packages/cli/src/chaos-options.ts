import { seedMax } from './bench-options.ts'
import { type FaultKind, type FaultTarget, faultKinds, faultTargets } from './fault-plan.ts'
import { choiceOption, integerOption, listOption, numberOption } from './option-values.ts'

/** What `bazaar chaos` was asked to do. */
export interface ChaosOptions {
  seconds: number
  clients: number
  faults: FaultKind[]
  targets: FaultTarget[]
  /** Instead of a time: go on until so many leaders were killed. */
  failovers: number | null
  seed: number
  jsonFile: string | null
}

/** The options as the command line gives them. */
export interface ChaosArguments {
  seconds: string
  clients: string
  fault: string
  target: string
  failover?: string | undefined
  seed?: string | undefined
  json?: string | undefined
}

const secondsMax = 24 * 3_600
const clientsMax = 100
const failoversMax = 10_000

/**
 * Checks the command line's words. Throws a `UsageError` that names the option, its rule and the value.
 *
 * @param newSeed the seed of a run that was given none
 */
export function parseChaosOptions(given: ChaosArguments, newSeed: () => number): ChaosOptions {
  const failovers = given.failover === undefined ? null : integerOption('failover', given.failover, 1, failoversMax)
  const faults = listOption('fault', given.fault, faultKinds.length, item => choiceOption('fault', item, faultKinds))
  const targets = listOption('target', given.target, faultTargets.length, item =>
    choiceOption('target', item, faultTargets),
  )
  return {
    seconds: numberOption('seconds', given.seconds, 1, secondsMax),
    clients: integerOption('clients', given.clients, 1, clientsMax),
    faults: failovers === null ? faults : ['kill'],
    targets: failovers === null ? targets : ['leader'],
    failovers,
    seed: given.seed === undefined ? newSeed() : integerOption('seed', given.seed, 0, seedMax),
    jsonFile: given.json ?? null,
  }
}

import { seedMax } from './bench-options.ts'
import { diskFaults, type FaultKind, type FaultTarget, faultKinds, faultTargets } from './fault-plan.ts'
import {
  choiceOption,
  integerOption,
  listOption,
  numberOption,
  outputOption,
  refuseMeaningless,
} from './option-values.ts'
import { UsageError } from './usage-error.ts'

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
  seconds?: string | undefined
  clients?: string | undefined
  fault?: string | undefined
  target?: string | undefined
  failover?: string | undefined
  seed?: string | undefined
  json?: string | undefined
}

/** What the command line says without being told. */
export const chaosDefaults = { seconds: '30', clients: '5', target: 'leader,follower,catalog,frontend' } as const

/** What a run that kills leaders only has no use for. */
const meaninglessToFailover = ['seconds', 'fault', 'target'] as const

const secondsMax = 24 * 3_600
const clientsMax = 100
const failoversMax = 10_000

/**
 * Checks the command line's words. Throws a `UsageError` that names the option, its rule and the value.
 *
 * @param canFailDisks whether strace is there, which the faults of the disk need
 * @param newSeed the seed of a run that was given none
 */
export function parseChaosOptions(
  given: ChaosArguments,
  canFailDisks: () => boolean,
  newSeed: () => number,
): ChaosOptions {
  const failovers = given.failover === undefined ? null : integerOption('failover', given.failover, 1, failoversMax)
  refuseMeaningless('failover', meaninglessToFailover, given)
  const targets = listOption('target', given.target ?? chaosDefaults.target, faultTargets.length, item =>
    choiceOption('target', item, faultTargets),
  )
  return {
    seconds: numberOption('seconds', given.seconds ?? chaosDefaults.seconds, 1, secondsMax),
    clients: integerOption('clients', given.clients ?? chaosDefaults.clients, 1, clientsMax),
    faults: failovers === null ? faultOption(given.fault, canFailDisks) : ['kill'],
    targets: failovers === null ? targets : ['leader'],
    failovers,
    seed: given.seed === undefined ? newSeed() : integerOption('seed', given.seed, 0, seedMax),
    jsonFile: outputOption('json', given.json),
  }
}

function faultOption(text: string | undefined, canFailDisks: () => boolean): FaultKind[] {
  if (text === undefined) return faultKinds.filter(fault => !diskFaults.includes(fault) || canFailDisks())
  const faults = listOption('fault', text, faultKinds.length, item => choiceOption('fault', item, faultKinds))
  const needsStrace = faults.find(fault => diskFaults.includes(fault))
  if (needsStrace === undefined || canFailDisks()) return faults
  throw new UsageError(
    `--fault ${needsStrace} needs strace, which is not installed or may not attach to processes here`,
  )
}

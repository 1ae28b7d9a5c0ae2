import assert from 'node:assert/strict'
import { BazaarError, type Command, type CommandResult } from '@bazaar/client/contract'
import { Judge, type Verdict } from './judge.ts'
import type { Ledger } from './ledger.ts'
import type { Leadership, ReplicatedLog } from './replicated-log.ts'

/** Commands in one batch: what is proposed, written, replicated and answered together. */
const batchCommandsMax = 1024
/** Commands that wait for their batch; above it they are refused with `OVERLOADED`. */
export const commandsWaitingMax = 8192

/** One caller's commands. */
interface Group {
  readonly commands: readonly Command[]
  readonly resolve: (results: CommandResult[]) => void
  readonly reject: (error: Error) => void
}

/**
 * Turns commands into facts in the log: judge, propose, answer, a batch at a time. While one is on its way the next gathers:
 * group commit. Only the leader's does anything; it begins once everything that earlier leaders committed is applied here.
 */
export class Sequencer {
  readonly #log: ReplicatedLog
  readonly #ledger: Ledger
  #waiting: Group[] = []
  #commandsWaiting = 0
  /** A batch is on its way. */
  #busy = false
  /** The term in which this replica leads and may judge; null while there is none. */
  #judgingTerm: number | null = null

  /** `onApplied` is called after committed entries were folded into the ledger. */
  constructor(log: ReplicatedLog, ledger: Ledger, onApplied: () => void) {
    this.#log = log
    this.#ledger = ledger
    log.onCommitted = (lines, last) => {
      while (lines.next()) ledger.apply(lines, last)
      onApplied()
    }
    log.onLeadership = leadership => this.#lead(leadership)
  }

  /**
   * Carries the commands out, in order. Resolves with a result for each once every one is final: committed, or refused
   * with the refusal confirmed by a majority. Rejects as a whole with `NOT_LEADER` (send the same commands, with the same
   * keys, to another replica), or with `OVERLOADED` when too many wait or the disk is full.
   */
  execute(commands: readonly Command[]): Promise<CommandResult[]> {
    return new Promise((resolve, reject) => {
      const { leading, leader } = this.#log.leadership
      if (!leading) return reject(new BazaarError('NOT_LEADER', 'this replica does not lead', leader))
      if (!this.#log.accepting)
        return reject(
          new BazaarError(
            'OVERLOADED',
            'the disk is full, or a limit is reached: nothing can be stored until there is room',
          ),
        )
      if (this.#commandsWaiting + commands.length > commandsWaitingMax) {
        return reject(new BazaarError('OVERLOADED', `${this.#commandsWaiting} commands are waiting already`))
      }
      this.#waiting.push({ commands, resolve, reject })
      this.#commandsWaiting += commands.length
      this.#pump()
    })
  }

  #lead({ leading, leader, term }: Leadership): void {
    this.#judgingTerm = null
    if (leading) {
      const begin = (): void => {
        if (this.#log.leadership.term !== term || !this.#log.leadership.leading) return
        this.#judgingTerm = term
        this.#pump()
      }
      this.#log.barrier().then(begin, () => {})
      return
    }
    this.#commandsWaiting = 0
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new BazaarError('NOT_LEADER', 'this replica no longer leads', leader))
    }
  }

  #pump(): void {
    if (this.#busy || this.#judgingTerm === null || this.#waiting.length === 0) return
    this.#busy = true
    void this.#carryOut(this.#nextBatch()).then(() => {
      this.#busy = false
      this.#pump()
    })
  }

  #nextBatch(): Group[] {
    let count = 0
    let groups = 0
    for (const { commands } of this.#waiting) {
      if (groups > 0 && count + commands.length > batchCommandsMax) break
      count += commands.length
      groups++
    }
    this.#commandsWaiting -= count
    return this.#waiting.splice(0, groups)
  }

  /** Never rejects: each group hears of an error. */
  async #carryOut(groups: readonly Group[]): Promise<void> {
    try {
      const judge = new Judge(this.#ledger)
      const verdicts = groups.map(({ commands }) => commands.map(command => judge.judge(command)))
      const facts: string[] = []
      for (const verdict of verdicts.flat()) if (verdict.type === 'accept') facts.push(verdict.fact)
      let index = await this.#confirm(facts, verdicts)
      for (const [place, { commands, resolve }] of groups.entries()) {
        const results = (verdicts[place] as Verdict[]).map((verdict, at) =>
          verdict.type === 'accept' ? verdict.result(index++) : this.#result(verdict, commands[at] as Command),
        )
        resolve(results)
      }
    } catch (error) {
      for (const { reject } of groups) reject(error as Error)
    }
  }

  /**
   * Resolves, with the index of the first fact, once the verdicts are final. A commit in this term proves leadership as a
   * barrier does, which a batch without facts needs.
   */
  async #confirm(facts: readonly string[], verdicts: readonly Verdict[][]): Promise<number> {
    if (facts.length > 0) return this.#log.propose(facts)
    if (verdicts.every(list => list.every(({ type }) => type === 'answer'))) return 0
    await this.#log.barrier()
    return 0
  }

  #result(verdict: Exclude<Verdict, { type: 'accept' }>, command: Command): CommandResult {
    if (verdict.type === 'answer') return verdict.result
    if (verdict.type === 'refuse') return verdict.refusal.toBody()
    if (verdict.type === 'confirm') return verdict.result(this.#ledger.appliedIndex)
    const again = new Judge(this.#ledger).judge(command)
    assert(again.type === 'answer' || again.type === 'refuse', `the command that ${command.key} joined left no entry`)
    return this.#result(again, command)
  }
}

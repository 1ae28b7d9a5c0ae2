/** A promise of the system was broken. The message begins with the invariant's name. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/**
 * Sees everything that replicas commit and who leads, while the run lasts (I5, I6), and keeps the committed log for the
 * checks at the end.
 */
export class Witness {
  readonly #lines: string[] = []
  readonly #leaders = new Map<number, string>()
  /** The first violation of the run. */
  violation: Violation | null = null

  /** The committed log, line by line. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** A replica's log says that this line is committed at `index`. */
  committed(replica: string, index: number, line: string): void {
    const known = this.#lines[index - 1]
    if (known === undefined && index === this.#lines.length + 1) this.#lines.push(line)
    else if (known !== line)
      this.report(`I5: ${replica} committed ${line.trim()} at index ${index}, others ${known?.trim() ?? 'nothing yet'}`)
  }

  leads(replica: string, term: number): void {
    const known = this.#leaders.get(term)
    if (known === undefined) this.#leaders.set(term, replica)
    else if (known !== replica) this.report(`I6: ${replica} and ${known} both lead in term ${term}`)
  }

  report(message: string): void {
    this.violation ??= new Violation(message)
  }
}

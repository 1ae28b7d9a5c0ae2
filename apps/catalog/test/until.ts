/** Resolves once the condition holds; rejects, naming it, when that takes longer than `deadlineMs`. */
export async function until(what: string, condition: () => unknown, deadlineMs = 20_000): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** How many of `members` members are a majority (section 5.2). */
export function quorumSize(members: number): number {
  return Math.floor(members / 2) + 1
}

/**
 * The highest value that a majority has reached: with match indexes the commit candidate (section 5.3), with echoed rounds
 * the newest confirmed one (thesis 6.4), with ticks the time at which a majority was last heard (thesis 6.2).
 * `values` holds one value per member, this one included; it is neither changed nor copied.
 */
export function majorityValue(values: readonly number[]): number {
  const size = quorumSize(values.length)
  let best = Number.NEGATIVE_INFINITY
  for (const candidate of values) {
    if (candidate <= best) continue
    let reached = 0
    for (const value of values) if (value >= candidate) reached += 1
    if (reached >= size) best = candidate
  }
  return best
}

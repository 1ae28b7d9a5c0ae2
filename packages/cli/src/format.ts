/** A time in ms for people: three digits that matter, e.g. `0.312`, `4.57`, `83.1`, `1240`; `–` when there is none. */
export function formatMs(milliseconds: number | null): string {
  if (milliseconds === null) return '–'
  // Rounded first: 9.996 is written as 10.0, not as 10.00.
  const rounded = Number(milliseconds.toPrecision(3))
  if (rounded >= 100) return milliseconds.toFixed(0)
  if (rounded >= 10) return milliseconds.toFixed(1)
  return milliseconds.toFixed(rounded >= 1 ? 2 : 3)
}

/** A mean with half of its 95 % confidence interval: `0.312 ± 0.010`. */
export function formatMean({ mean, ci95 }: { mean: number | null; ci95: number | null }): string {
  return ci95 === null ? formatMs(mean) : `${formatMs(mean)} ± ${formatMs(ci95)}`
}

/** A number in groups of three digits: `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** A share as a percentage: `83 %`; `–` when there is none. */
export function formatPercent(ratio: number | null): string {
  return ratio === null ? '–' : `${(ratio * 100).toFixed(0)} %`
}

/** `1 order`, `2 orders`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

const graphemes = new Intl.Segmenter('en')
/** What takes two columns of a terminal: emoji, and what is wide or fullwidth (Unicode Annex 11). */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
/** Nothing but what is drawn over its neighbours, or not at all. */
const unseen = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

/** The columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  return [...graphemes.segment(text)].reduce((sum, { segment }) => sum + graphemeWidth(segment), 0)
}

const graphemeWidth = (grapheme: string): number => (unseen.test(grapheme) ? 0 : wide.test(grapheme) ? 2 : 1)

/** A text of so many columns of a terminal at most: what is wider ends in `…`. */
export function cut(text: string, widthMax: number): string {
  if (textWidth(text) <= widthMax) return text
  let kept = ''
  let width = 1
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment)
    if (width > widthMax) break
    kept += segment
  }
  return `${kept}…`
}

/** Rounds every number in a value to four decimals, for JSON that people read too: 0.1 µs where the unit is ms. */
export function roundDeep<Value>(value: Value): Value {
  if (typeof value === 'number') return (Math.round(value * 1e4) / 1e4) as Value
  if (Array.isArray(value)) return value.map(roundDeep) as Value
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, roundDeep(item)])) as Value
}

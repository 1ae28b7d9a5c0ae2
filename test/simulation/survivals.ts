import { pageBytes } from './file.ts'
import type { CrashSurvival } from './file-system.ts'

/** Up to so many dirty pages, every subset of them is tried; above it, every prefix and every suffix. */
const subsetPagesMax = 4
/** Where the first page that is lost may be torn instead: only the bytes before it are new. */
const tears = [0, 1, pageBytes / 2, pageBytes - 1]

export const everythingSurvives: CrashSurvival = {
  page: () => pageBytes,
  length: (_, last) => last,
  names: pending => pending,
}
export const nothingSurvives: CrashSurvival = { page: () => 0, length: onDisk => onDisk, names: () => 0 }

/**
 * The ways in which a power cut may treat `pages` dirty pages of a file and `names` pending changes of a folder: which
 * pages are kept and where the first lost one is torn, the old or the new length, how many of the names.
 */
export function* survivals(pages: number, names: number): Generator<CrashSurvival> {
  for (const kept of keptPages(pages)) {
    for (const torn of kept.includes(false) ? tears : [0]) {
      for (const newLength of [false, true]) {
        for (let keptNames = 0; keptNames <= names; keptNames++) yield survival(kept, torn, newLength, keptNames)
      }
    }
  }
}

function survival(kept: readonly boolean[], torn: number, newLength: boolean, keptNames: number): CrashSurvival {
  const firstLost = kept.indexOf(false)
  return {
    page: place => (kept[place] === true ? pageBytes : place === firstLost ? torn : 0),
    length: (onDisk, last) => (newLength ? last : onDisk),
    names: pending => Math.min(keptNames, pending),
  }
}

function keptPages(pages: number): boolean[][] {
  const places = Array.from({ length: pages }, (_, place) => place)
  if (pages <= subsetPagesMax) {
    return Array.from({ length: 2 ** pages }, (_, subset) => places.map(place => (subset & (1 << place)) !== 0))
  }
  const prefixes = [...places, pages].map(count => places.map(place => place < count))
  const suffixes = [...places, pages].map(count => places.map(place => place >= count))
  return [...prefixes, ...suffixes]
}

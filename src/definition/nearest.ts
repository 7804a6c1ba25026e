/** A longer word is not a spelling mistake. */
const LONGEST = 64

/**
 * Finds the word that was probably meant: one that contains the written word, or that differs from it in few letters. Case,
 * dashes and underscores are ignored.
 */
export function findNearest(written: string, words: readonly string[]): string | undefined {
  const [plain, ...others] = [written, ...words].map(simplify)
  if (plain === undefined || plain.length > LONGEST) return undefined
  const distances = others.map(other => (other.length > LONGEST ? Number.POSITIVE_INFINITY : distance(plain, other)))
  const least = distances.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY)
  if (least <= Math.max(1, Math.floor(plain.length / 4))) return words[distances.indexOf(least)]
  const containing = others.findIndex(other => plain.length >= 3 && other.includes(plain))
  return words[containing]
}

function simplify(word: string): string {
  return word.toLowerCase().replace(/[\s_-]/g, '')
}

/** The number of letters to insert, delete or replace that turns one word into the other (Levenshtein). */
function distance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (const [row, letter] of [...one].entries()) {
    const current = [row + 1]
    for (let column = 0; column < other.length; column++) {
      const replaced = (above[column] ?? 0) + (letter === other[column] ? 0 : 1)
      current.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    above = current
  }
  return above[other.length] ?? 0
}

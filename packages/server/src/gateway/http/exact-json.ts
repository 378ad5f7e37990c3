/** Digits of an integer literal that a double may not hold. */
const inexactFrom = 16
const suspect = /\d{16}/

/**
 * Whether the JSON text has an integer, outside of strings, that JSON.parse rounds: it would reach
 * PostgreSQL as another one, without a word. The text must be valid.
 */
export function hasInexactInteger(json: string): boolean {
  if (!suspect.test(json)) return false
  let at = 0
  while (at < json.length) {
    if (json[at] === '"') {
      at = endOfString(json, at + 1)
      continue
    }
    const end = endOfNumber(json, at)
    if (end - at >= inexactFrom && isInexact(json.slice(at, end))) return true
    at = Math.max(end, at + 1)
  }
  return false
}

function isInexact(literal: string): boolean {
  return /^-?\d+$/.test(literal) && !Number.isSafeInteger(Number(literal))
}

function endOfString(json: string, start: number): number {
  let at = start
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

/** The start where no number begins. */
function endOfNumber(json: string, start: number): number {
  let at = start
  while (at < json.length && '+-.0123456789Ee'.includes(json[at] ?? ' ')) at++
  return at
}

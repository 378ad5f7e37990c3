/**
 * What has all letters of `search` in their order, the best first: those that begin with it, those that
 * hold it, and those where the letters lie apart. Equals stay in their order.
 */
export function rankMatches<T>(
  items: readonly T[],
  search: string,
  textOf: (item: T) => string,
): T[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return [...items]
  return items
    .map((item) => ({ item, rank: rankOf(textOf(item).toLowerCase(), wanted) }))
    .filter(({ rank }) => rank < noMatch)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}

const noMatch = 4

function rankOf(text: string, wanted: string): number {
  if (text.startsWith(wanted)) return 0
  const at = text.indexOf(wanted)
  // At the beginning of a word.
  if (at > 0) return /[^a-z0-9]/.test(text[at - 1] ?? '') ? 1 : 2
  let from = 0
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1
    if (from === 0) return noMatch
  }
  return 3
}

/** Numbers that look random and are the same again for the same seed (Marsaglia's xorshift, 32 bits). */
export interface RandomNumbers {
  /** From 0 to one less than the limit. */
  below(limit: number): number
  pick<T>(some: readonly T[]): T
  shuffle<T>(some: readonly T[]): T[]
  /** Others, which depend on this seed and the name alone. */
  fork(name: number): RandomNumbers
}

export function randomNumbers(seed: number): RandomNumbers {
  // Zero would stay zero; seeds that differ by one should not begin alike.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  const below = (limit: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
  for (let round = 0; round < 8; round++) below(2)
  return {
    below,
    pick: (some) => {
      const one = some[below(some.length)]
      if (one === undefined) throw new Error('there is nothing to pick from')
      return one
    },
    shuffle: (some) =>
      some
        .map((one) => ({ one, at: below(2 ** 31) }))
        .toSorted((one, other) => one.at - other.at)
        .map(({ one }) => one),
    fork: (name) => randomNumbers(Math.imul(seed, 31) + name + 1),
  }
}

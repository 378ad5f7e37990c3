import { expect, test } from 'vitest'

import { rankMatches } from './rank-matches.ts'

const rank = (search: string, ...items: string[]): string[] =>
  rankMatches(items, search, (item) => item)

test('beginnings come before words, words before insides, and letters apart last', () => {
  expect(rank('feat', 'defeat', 'f-e-a-t', 'my/feature', 'feature/x', 'main')).toEqual([
    'feature/x',
    'my/feature',
    'defeat',
    'f-e-a-t',
  ])
})

test('nothing typed is everything, in its order', () => {
  expect(rank(' ', 'b', 'a')).toEqual(['b', 'a'])
})

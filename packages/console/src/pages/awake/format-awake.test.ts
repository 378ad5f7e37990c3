import { expect, test } from 'vitest'

import { formatSpan } from './format-awake.ts'

test('spans have their two largest units', () => {
  const shown = [0.4, 40, 60, 95, 1200, 3600, 11_520, 187_200, 86_400].map(formatSpan)
  expect(shown).toEqual([
    '0 s',
    '40 s',
    '1 min',
    '1 min 35 s',
    '20 min',
    '1 h',
    '3 h 12 min',
    '2 d 4 h',
    '1 d',
  ])
})

import { expect, test } from 'vitest'

import { stack } from './stacks.ts'

test('parts lie on each other, and what is nothing is not drawn', () => {
  expect(stack([1, 0, 3], 8, 80)).toEqual([
    { series: 0, y: 70, height: 10 },
    { series: 2, y: 40, height: 30 },
  ])
})

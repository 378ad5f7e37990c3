import { expect, test } from 'vitest'

import { poolGrowth } from './pool-growth.ts'

const sample = (hour: number, pool_used_bytes: number) => ({
  at: new Date(Date.UTC(2026, 10, 25, hour)).toISOString(),
  pool_used_bytes,
  pool_total_bytes: 1000,
})

test('the days left are those until the reserve is reached', () => {
  const found = poolGrowth([sample(0, 100), sample(6, 500), sample(12, 200)], 200)
  expect(found).toEqual({ bytesPerDay: 200, daysLeft: 3 })
})

test('a pool that does not grow lasts', () => {
  expect(poolGrowth([sample(0, 300), sample(12, 200)], 0)).toEqual({
    bytesPerDay: -200,
    daysLeft: undefined,
  })
})

test('from less than an hour nothing follows', () => {
  expect(poolGrowth([sample(0, 1)], 0)).toBeUndefined()
  expect(poolGrowth([], 0)).toBeUndefined()
})

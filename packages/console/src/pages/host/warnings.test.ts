import type { PlatformStatus, PoolContents } from '@coppice/api'
import { expect, test } from 'vitest'

import { hostWarnings } from './warnings.ts'

const gb = 1024 ** 3
const status = {
  certificate: { warnings: [] as string[] },
  limits: { waiting: 0 },
  pool: { path: '/pool' },
} as unknown as PlatformStatus
const pool: PoolContents = {
  total_bytes: 100 * gb,
  free_bytes: 50 * gb,
  reserve_bytes: 5 * gb,
  exclusive_bytes: 0,
  projects: [],
  branches: [],
  unknown_volumes: [],
}
const titles = (change: Partial<PlatformStatus>, contents: Partial<PoolContents> = {}) =>
  hostWarnings({ ...status, ...change }, { ...pool, ...contents }).map(({ title }) => title)

test('a host that is well has none', () => {
  expect(titles({})).toEqual([])
  expect(hostWarnings(status, undefined)).toEqual([])
})

test('space is told of before it is refused', () => {
  expect(titles({}, { free_bytes: 10 * gb - 1 })).toEqual(['The pool is running short of space'])
  expect(titles({}, { free_bytes: 5 * gb - 1 })).toEqual(['The pool is short of space'])
})

test('only a pool that has a file of its own can grow', () => {
  const say = (image: object) =>
    hostWarnings({ ...status, pool: { ...status.pool, ...image } }, { ...pool, free_bytes: 0 })[0]
      ?.message
  expect(say({ image: '/pool.img' })).toContain('coppice pool grow')
  expect(say({})).not.toContain('coppice pool grow')
})

test('the worst comes first', () => {
  const wal_store = { url: 's3://b', waiting_files: 3, waiting_bytes: 48, error: 'it is away' }
  expect(
    titles(
      { wal_store, limits: { ...status.limits, waiting: 2 } },
      { unknown_volumes: ['v'], free_bytes: 0 },
    ),
  ).toEqual([
    'The pool is short of space',
    'WAL is not uploaded',
    'The pool holds a volume that nobody knows',
    '2 computes wait for room',
  ])
})

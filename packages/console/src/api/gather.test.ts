import type { QueryKey } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { gather, keysOf } from './gather.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('changes of a moment are one reading, each thing once', async () => {
  const read = vi.fn<(keys: QueryKey[]) => Promise<void>>(async () => undefined)
  const gathered = gather(read)
  for (let change = 0; change < 100; change++) gathered.add(['branches', 'p'])
  gathered.add(['endpoints', 'p'])
  await vi.advanceTimersByTimeAsync(1000)
  expect(read.mock.calls).toEqual([
    [
      [
        ['branches', 'p'],
        ['endpoints', 'p'],
      ],
    ],
  ])
})

test('a change while the last ones are still being read is read after them', async () => {
  const ends: (() => void)[] = []
  const read = vi.fn<(keys: QueryKey[]) => Promise<void>>(
    async () =>
      new Promise<void>((resolve) => {
        ends.push(resolve)
      }),
  )
  const gathered = gather(read)
  gathered.add(['branches', 'p'])
  await vi.advanceTimersByTimeAsync(1000)
  gathered.add(['branches', 'p'])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(read).toHaveBeenCalledTimes(1)
  ends[0]?.()
  await vi.advanceTimersByTimeAsync(1000)
  expect(read).toHaveBeenCalledTimes(2)
})

test('a change concerns its kind in its project; a compute also what the platform says', () => {
  expect(keysOf({ kind: 'branches', project_id: 'p', branch_id: 'b' })).toEqual([['branches', 'p']])
  expect(keysOf({ kind: 'projects', project_id: 'p' })).toEqual([['projects']])
  expect(keysOf({ kind: 'endpoints', project_id: 'p' })).toEqual([['endpoints', 'p'], ['platform']])
})

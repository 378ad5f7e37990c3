import { setImmediate as immediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { late } from './in-time.ts'
import { Turns } from './turns.ts'

/** Work that ends when it is told to. */
function held(): { work: () => Promise<void>; end: () => void } {
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  return { work: async () => ended, end: () => end() }
}

test('so many work at once, the others in order, also after one that fails', async () => {
  const turns = new Turns({ atOnce: 2, waitMs: 10_000 })
  const order: number[] = []
  const works = [1, 2, 3, 4].map((number) => {
    const { work, end } = held()
    const done = turns.run(async () => {
      order.push(number)
      await work()
      if (number === 1) throw new Error('it fails')
      return number
    })
    return { done, end }
  })
  await immediate()
  expect(order).toEqual([1, 2])
  works[0]?.end()
  await expect(works[0]?.done).rejects.toThrow('it fails')
  await immediate()
  expect(order).toEqual([1, 2, 3])
  works[1]?.end()
  expect(await works[1]?.done).toBe(2)
  await immediate()
  expect(order).toEqual([1, 2, 3, 4])
  for (const { end } of works) end()
  expect(await works[3]?.done).toBe(4)
  const both = [held(), held()]
  const again = both.map(async ({ work }) => turns.run(work))
  for (const { end } of both) end()
  expect(await Promise.all(again)).not.toContain(late)
})

test('a turn that does not come in time is none, and takes nobody its own', async () => {
  const turns = new Turns({ atOnce: 1, waitMs: 5 })
  const { work, end } = held()
  const first = turns.run(work)
  expect(await turns.run(async () => 'second')).toBe(late)
  end()
  await first
  expect(await turns.run(async () => 'third')).toBe('third')
})

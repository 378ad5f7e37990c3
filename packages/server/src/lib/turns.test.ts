import { setImmediate as immediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { Shares } from './shares.ts'
import { Turns } from './turns.ts'

const turnsOf = (max: number, waitMs: number) =>
  new Turns({ shares: new Shares({ max, what: 'turns', advice: 'come again' }), waitMs })

/** Work that ends when it is told to. */
function held(): { work: () => Promise<void>; end: () => void } {
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  return { work: async () => ended, end: () => end() }
}

test('so many work at once, the others in order, also after one that fails', async () => {
  const turns = turnsOf(2, 10_000)
  const order: number[] = []
  const works = [1, 2, 3, 4].map((number) => {
    const { work, end } = held()
    const done = turns.run(null, async () => {
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
  const again = both.map(async ({ work }) => turns.run(null, work))
  for (const { end } of both) end()
  await expect(Promise.all(again)).resolves.toHaveLength(2)
})

test('a turn that does not come in time is none, and takes nobody its own', async () => {
  const turns = turnsOf(1, 5)
  const { work, end } = held()
  const first = turns.run(null, work)
  await expect(turns.run(null, async () => 'second')).rejects.toMatchObject({
    code: 'too_many_requests',
  })
  end()
  await first
  expect(await turns.run(null, async () => 'third')).toBe('third')
})

test('what a project has waiting keeps no other from its turn', async () => {
  const turns = turnsOf(4, 10_000)
  const order: string[] = []
  const start = (project: string) => {
    const { work, end } = held()
    const done = turns.run(project, async () => {
      order.push(project)
      await work()
    })
    return { done, end }
  }
  const works = ['a', 'a', 'a', 'a', 'b', 'c', 'b'].map(start)
  await immediate()
  expect(order).toEqual(['a', 'a', 'b', 'c'])
  works[4]?.end()
  await works[4]?.done
  await immediate()
  // The first that waits has its share already.
  expect(order).toEqual(['a', 'a', 'b', 'c', 'b'])
  for (const { end } of works) end()
  await Promise.all(works.map(async ({ done }) => done))
  expect(order.toSorted()).toEqual(['a', 'a', 'a', 'a', 'b', 'b', 'c'])
})

test('who waits in vain is told whose limit it is', async () => {
  const turns = turnsOf(4, 5)
  const works = [held(), held()]
  const done = works.map(async ({ work }) => turns.run('a', work))
  await expect(turns.run('a', async () => 'third')).rejects.toThrow(
    'project a has 2 of the 4 turns, and the rest is kept for other projects; come again',
  )
  for (const { end } of works) end()
  await Promise.all(done)
})

import { setImmediate as immediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { Turns } from './turns.ts'

test('so many work at once, the others in order, each turn is given back once', async () => {
  const turns = new Turns({ atOnce: 2, waitMs: 10_000 })
  const order: number[] = []
  const waiting = [1, 2, 3, 4].map(async (number) => {
    const giveBack = await turns.take()
    order.push(number)
    return giveBack
  })
  await immediate()
  expect(order).toEqual([1, 2])
  const first = await waiting[0]
  first?.()
  first?.()
  await immediate()
  expect(order).toEqual([1, 2, 3])
  ;(await waiting[1])?.()
  await immediate()
  expect(order).toEqual([1, 2, 3, 4])
  for (const one of waiting.slice(2)) (await one)?.()
  expect(await turns.take()).toBeDefined()
  expect(await turns.take()).toBeDefined()
})

test('a turn that does not come in time is none, and takes nobody its own', async () => {
  const turns = new Turns({ atOnce: 1, waitMs: 5 })
  const giveBack = await turns.take()
  expect(await turns.take()).toBeUndefined()
  giveBack?.()
  expect(await turns.take()).toBeDefined()
})

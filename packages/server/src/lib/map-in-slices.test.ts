import { setTimeout as delay } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { mapInSlices } from './map-in-slices.ts'

const many = Array.from({ length: 2_000 }, (_, index) => index)

/** Takes a tenth of a millisecond. */
function work(item: number): number {
  const end = performance.now() + 0.1
  while (performance.now() < end);
  return item * 2
}

test('answers what map does, and others have turns meanwhile', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  expect(await mapInSlices(many, work)).toEqual(many.map((item) => item * 2))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
})

test('few are done at once', async () => {
  let isDone = false
  void mapInSlices([1, 2, 3], (item) => item).then(() => (isDone = true))
  await Promise.resolve()
  await Promise.resolve()
  expect(isDone).toBe(true)
})

test('stops where it throws, and where it is called off', async () => {
  const fail = (item: number): number => {
    if (item === 700) throw new Error(`no ${item}`)
    return item
  }
  await expect(mapInSlices(many, fail)).rejects.toThrow('no 700')

  const controller = new AbortController()
  let done = 0
  const called = mapInSlices(
    many,
    (item) => {
      done++
      return work(item)
    },
    controller.signal,
  )
  void delay(1).then(() => controller.abort(new Error('enough')))
  await expect(called).rejects.toThrow('enough')
  expect(done).toBeLessThan(many.length)
})

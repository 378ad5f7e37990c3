import { setTimeout as delay } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { inTime, late } from './in-time.ts'

test('what comes in time is answered as it is', async () => {
  expect(await inTime(Promise.resolve(7), 1_000)).toBe(7)
  await expect(inTime(Promise.reject(new Error('no')), 1_000)).rejects.toThrow('no')
})

test('what does not is late, whatever becomes of it then', async () => {
  expect(await inTime(new Promise(() => undefined), 5)).toBe(late)
  const failing = delay(10).then(() => {
    throw new Error('too late for anybody')
  })
  expect(await inTime(failing, 1)).toBe(late)
  // An unhandled rejection would fail the run.
  await delay(30)
})

test('time that is over already is still a look', async () => {
  expect(await inTime(Promise.resolve(1), -5)).toBe(1)
  expect(await inTime(new Promise(() => undefined), -5)).toBe(late)
})

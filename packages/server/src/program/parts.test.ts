import pino from 'pino'
import { expect, test } from 'vitest'

import { Parts } from './parts.ts'

const log = pino({ level: 'silent' })

test('parts stop in reverse, once, and are told what to keep', async () => {
  const parts = new Parts(log)
  const stopped: unknown[] = []
  for (const name of ['one', 'two']) {
    parts.add(name, async (keepComputes) => stopped.push([name, keepComputes]))
  }
  expect(await parts.stop(true)).toBe(true)
  expect(await parts.stop(false)).toBe(true)
  expect(stopped).toEqual([
    ['two', true],
    ['one', true],
  ])
})

test('one that fails and one that waits for ever keep the others from nothing', async () => {
  const parts = new Parts(log)
  const stopped: string[] = []
  parts.add('first', async () => stopped.push('first'))
  parts.add('fails', async () => {
    throw new Error('no')
  })
  parts.add('hangs', async () => new Promise(() => undefined), { deadlineMs: 5 })
  parts.add('last', async () => stopped.push('last'))
  expect(await parts.stop(false)).toBe(false)
  expect(stopped).toEqual(['last', 'first'])
})

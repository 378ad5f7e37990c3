import { expect, test } from 'vitest'

import { fromLocalField, momentChoices, toLocalField } from './moments.ts'

test('moments before the window cannot be chosen', () => {
  const now = Date.parse('2026-11-25T12:00:00.700Z')
  const choices = momentChoices(now, '2026-11-25T11:30:00Z')
  expect(choices.map(({ moment, isOutside }) => [moment, isOutside]).slice(0, 2)).toEqual([
    ['2026-11-25T11:55:00.000Z', false],
    ['2026-11-25T11:00:00.000Z', true],
  ])
  expect(momentChoices(now, undefined).every(({ isOutside }) => isOutside)).toBe(true)
})

test('the field of a moment is read as it was written, to the second', () => {
  const moment = '2026-03-01T05:06:07.000Z'
  expect(fromLocalField(toLocalField(moment))).toBe(moment)
  expect(fromLocalField('')).toBeUndefined()
})

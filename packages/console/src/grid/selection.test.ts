import { expect, test } from 'vitest'

import { moveSelection, only, rectangleOf, type Selection } from './selection.ts'

const extent = { rowCount: 1_000_000, columnCount: 5, pageRows: 20 }
const press = (selection: Selection | undefined, key: string, mod = false, shiftKey = false) =>
  moveSelection(selection, { key, mod, shiftKey }, extent)

test('keys move as in a spreadsheet and stop at the edges', () => {
  expect(press(undefined, 'ArrowDown')).toEqual(only({ row: 0, column: 0 }))
  const cell = only({ row: 3, column: 2 })
  expect(press(cell, 'ArrowUp')?.head).toEqual({ row: 2, column: 2 })
  expect(press(cell, 'PageUp')?.head).toEqual({ row: 0, column: 2 })
  expect(press(cell, 'PageDown')?.head).toEqual({ row: 23, column: 2 })
  expect(press(cell, 'Home')?.head).toEqual({ row: 3, column: 0 })
  expect(press(cell, 'End', true)?.head).toEqual({ row: 999_999, column: 4 })
  expect(press(only({ row: 999_999, column: 4 }), 'ArrowRight')?.head.column).toBe(4)
  expect(press(cell, 'x')).toBeUndefined()
})

test('Shift grows what is selected from where it was begun', () => {
  const grown = press(only({ row: 3, column: 2 }), 'ArrowUp', false, true)
  expect(grown).toEqual({ anchor: { row: 3, column: 2 }, head: { row: 2, column: 2 } })
  const wide = grown && press(grown, 'Home', false, true)
  expect(wide && rectangleOf(wide)).toEqual({ top: 2, left: 0, bottom: 3, right: 2 })
  expect(press(undefined, 'a', true)).toEqual({
    anchor: { row: 0, column: 0 },
    head: { row: 999_999, column: 4 },
  })
})

test('nothing is selected where there is nothing', () => {
  const none = { ...extent, rowCount: 0 }
  expect(moveSelection(undefined, { key: 'End', mod: true, shiftKey: false }, none)).toBeUndefined()
})

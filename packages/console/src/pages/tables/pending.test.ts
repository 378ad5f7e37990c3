import { expect, test } from 'vitest'

import type { RowVersion } from '../../sql/transaction.ts'
import {
  addRow,
  changeOf,
  deleteRow,
  editCell,
  editNewRow,
  insertsOf,
  takePresent,
  undo,
} from './pending.ts'

const table = { schema: 'public', name: 'film' }
const row: RowVersion = { key: { id: '7' }, xmin: '745' }
const title = { table, row, column: 'title', before: 'old' }

test('edits of a row are one change, and what is as it was is none', () => {
  const one = editCell([], { ...title, value: 'new' })
  const two = editCell(one, { ...title, column: 'note', before: null, value: '' })
  expect(two).toMatchObject([
    {
      kind: 'update',
      before: { title: 'old', note: null },
      values: { title: 'new', note: '' },
    },
  ])
  const back = editCell(two, { ...title, before: 'new', value: 'old' })
  expect(back).toMatchObject([{ before: { note: null }, values: { note: '' } }])
  expect(editCell(back, { ...title, column: 'note', before: '', value: null })).toEqual([])
})

test('a row of the same key in another table is another row', () => {
  const other = { schema: 'public', name: 'actor' }
  const pending = editCell([], { ...title, value: 'new' })
  expect(changeOf(pending, table, row)).toBeDefined()
  expect(changeOf(pending, other, row)).toBeUndefined()
  expect(changeOf(pending, table, undefined)).toBeUndefined()
  expect(deleteRow(pending, other, row, {})).toHaveLength(2)
})

test('a row that is deleted is not edited too, and comes back when that is undone', () => {
  const deleted = deleteRow(editCell([], { ...title, value: 'new' }), table, row, { title: 'old' })
  expect(deleted).toMatchObject([{ kind: 'delete' }])
  expect(editCell(deleted, { ...title, value: 'x' })).toBe(deleted)
  expect(undo(deleted, deleted[0]?.id ?? '')).toEqual([])
})

test('a new row holds what it was given, and defaults otherwise', () => {
  const added = addRow(addRow([], table, {}), table, { title: 'copy' })
  expect(insertsOf(added, table).map(({ id }) => id)).toEqual(['new 2', 'new 1'])
  const edited = editNewRow(added, 'new 1', 'title', null)
  expect(edited[0]).toMatchObject({ values: { title: null } })
  expect(editNewRow(edited, 'new 1', 'title', undefined)[0]).toMatchObject({ values: {} })
  expect(insertsOf(edited, { ...table, name: 'actor' })).toEqual([])
})

test('a change that is taken to the present row writes over what is there now', () => {
  const pending = editCell([], { ...title, value: 'mine' })
  const present = { row: { ...row, xmin: '800' }, values: { id: '7', title: 'theirs' } }
  const taken = takePresent(pending, pending[0]?.id ?? '', present)
  expect(editCell(taken, { ...title, column: 'note', before: null, value: 'x' })).toMatchObject([
    { row: { xmin: '800' } },
  ])
  expect(takePresent(pending, pending[0]?.id ?? '', present)).toMatchObject([
    { row: { xmin: '800' }, before: { title: 'theirs' }, values: { title: 'mine' } },
  ])
})

import { expect, test } from 'vitest'

import type { TableColumn } from '../../sql/catalog.ts'
import {
  cellText,
  editorOf,
  fixedReason,
  isCut,
  pointedAt,
  referringTo,
  typedValue,
} from './cells.ts'

const column = (more: Partial<TableColumn>): TableColumn => ({
  name: 'c',
  type: 'text',
  base_type: 'text',
  category: 'S',
  labels: null,
  is_long: true,
  is_sortable: true,
  not_null: false,
  default: null,
  generated: null,
  identity: '',
  comment: null,
  ...more,
})

test('a value stands on one line, and booleans are words', () => {
  expect(cellText(column({}), 'a\r\nb\nc\td')).toBe('a↵ b↵ c⇥ d')
  expect(cellText(column({ base_type: 'bool' }), 'f')).toBe('false')
  expect(cellText(column({}), 'x'.repeat(500))).toHaveLength(301)
  expect([isCut(column({}), 'x'.repeat(1001)), isCut(column({}), 'x'.repeat(1000))]).toEqual([
    true,
    false,
  ])
})

test('each type has its editor, and no editor loses what it cannot show', () => {
  expect(editorOf(column({ base_type: 'bool' }), null)).toBe('choice')
  expect(editorOf(column({ labels: ['a'] }), 'a')).toBe('choice')
  expect(editorOf(column({ base_type: 'date' }), '2026-01-31')).toBe('date')
  expect(editorOf(column({ base_type: 'date' }), 'infinity')).toBe('text')
  expect(editorOf(column({}), 'one')).toBe('text')
  expect(editorOf(column({}), 'one\ntwo')).toBe('long')
  expect(editorOf(column({ base_type: 'jsonb' }), null)).toBe('long')
})

test('an emptied field is NULL where nothing can be empty', () => {
  expect(typedValue(column({ category: 'N' }), '')).toBeNull()
  expect(typedValue(column({ category: 'S' }), '')).toBe('')
  expect(typedValue(column({ category: 'N' }), '0')).toBe('0')
})

test('what PostgreSQL generates cannot be edited', () => {
  expect(fixedReason(column({ generated: 'a + 1' }))).toContain('a + 1')
  expect(fixedReason(column({ identity: 'a' }))).toBeDefined()
  expect([fixedReason(column({ identity: 'd' })), fixedReason(column({}))]).toEqual([
    undefined,
    undefined,
  ])
})

test('a foreign key leads both ways, and nowhere when a part of it is NULL', () => {
  const key = {
    name: 'fk',
    columns: ['a', 'b'],
    table: { schema: 'public', name: 't' },
    foreign_columns: ['x', 'y'],
  }
  expect(pointedAt(key, { a: '1', b: "o'" })).toEqual([
    { column: 'x', operator: '=', value: '1' },
    { column: 'y', operator: '=', value: "o'" },
  ])
  expect(pointedAt(key, { a: '1', b: null })).toBeUndefined()
  expect(referringTo(key, { x: '1', y: '2' })).toEqual([
    { column: 'a', operator: '=', value: '1' },
    { column: 'b', operator: '=', value: '2' },
  ])
})

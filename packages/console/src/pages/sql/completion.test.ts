import { CompletionContext } from '@codemirror/autocomplete'
import { EditorState } from '@codemirror/state'
import { expect, test } from 'vitest'

import type { Catalog } from './catalog.ts'
import { completeFromCatalog, tableName, tablesIn } from './completion.ts'

const catalog: Catalog = {
  tables: [
    { schema: 'public', name: 'person', oid: 1, columns: [{ name: 'full_name', type: 'text' }] },
    { schema: 'public', name: 'Order', oid: 2, columns: [{ name: 'Total', type: 'numeric' }] },
    { schema: 'pg_catalog', name: 'pg_class', oid: 3, columns: [] },
  ],
  functions: [{ schema: 'pg_catalog', name: 'now', arguments: '' }],
}
const complete = (sql: string, pos = sql.length, explicit = false) =>
  completeFromCatalog(catalog)(
    new CompletionContext(EditorState.create({ doc: sql }), pos, explicit),
  )?.options.map(({ label }) => label)

test('columns are those of the tables that the statement names, wherever they stand', () => {
  expect(complete('select fu from person; select 1', 9)).toContain('full_name')
  expect(complete('select fu from person; select fu')).not.toContain('full_name')
  expect(tablesIn('select 1 from "Order", PERSON', catalog).map(({ oid }) => oid)).toEqual([1, 2])
  expect(tablesIn(`select 'person' from order`, catalog)).toEqual([])
})

test('functions and system tables are offered, but not behind a dot or without being asked', () => {
  expect(complete('select n')).toEqual(['now', 'pg_class'])
  expect(complete('select ')).toBeUndefined()
  expect(complete('select ', 7, true)).toContain('now')
  expect(complete('select p.f from person p', 10)).toBeUndefined()
})

test('names are quoted where SQL asks for it', () => {
  expect(tableName({ schema: 'public', name: 'Order' })).toBe('"Order"')
  expect(tableName({ schema: 'a b', name: 'c' })).toBe('"a b".c')
})

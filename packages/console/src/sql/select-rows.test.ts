import { expect, test } from 'vitest'

import type { TableColumn } from './catalog.ts'
import { countRows, type PageSpec, selectRows } from './select-rows.ts'

const column = (name: string, more: Partial<TableColumn> = {}): TableColumn => ({
  name,
  type: 'integer',
  base_type: 'int4',
  category: 'N',
  labels: null,
  is_long: false,
  is_sortable: true,
  not_null: false,
  default: null,
  generated: null,
  identity: '',
  comment: null,
  ...more,
})

const spec: PageSpec = {
  table: { schema: 'public', name: 'film' },
  rowKey: { kind: 'columns', columns: ['id'] },
  withVersion: true,
  columns: [column('id'), column('title', { is_long: true })],
  sort: undefined,
  filters: [],
  where: '',
  after: undefined,
  limit: 101,
}
const after = { key: ['7'], sort: '5', offset: 100 }

test('a page is read by its key, with long values cut', () => {
  expect(selectRows({ ...spec, after })).toMatchInlineSnapshot(`
    "SELECT "id", xmin, "id", left("title"::text, 1001) AS "title"
    FROM "public"."film"
    WHERE "id" > '7'
    ORDER BY "id"
    LIMIT 101"
  `)
})

test('conditions are joined, and one that ends in a comment keeps to itself', () => {
  const filters = [{ column: 'title', operator: 'null', value: '' } as const]
  expect(countRows({ ...spec, filters, where: 'id > 5 -- mine' })).toMatchInlineSnapshot(`
    "SELECT count(*) FROM "public"."film"
    WHERE "title" IS NULL
      AND (
    id > 5 -- mine
    )"
  `)
})

test('what comes after a row in an order has its NULLs where PostgreSQL puts them', () => {
  const where = (descending: boolean, not_null: boolean, sort: string | null): string => {
    const sql = selectRows({
      ...spec,
      sort: { column: column('n', { not_null }), descending },
      after: { ...after, sort },
    })
    return sql.slice(sql.indexOf('WHERE'), sql.indexOf('\nLIMIT'))
  }
  expect([
    where(false, true, '5'),
    where(false, false, '5'),
    where(false, false, null),
    where(true, false, '5'),
    where(true, false, null),
  ]).toMatchInlineSnapshot(`
    [
      "WHERE ("n" > '5' OR ("n" = '5' AND "id" > '7'))
    ORDER BY "n", "id"",
      "WHERE ("n" > '5' OR ("n" = '5' AND "id" > '7') OR "n" IS NULL)
    ORDER BY "n", "id"",
      "WHERE (("n" IS NULL AND "id" > '7'))
    ORDER BY "n", "id"",
      "WHERE ("n" < '5' OR ("n" = '5' AND "id" > '7'))
    ORDER BY "n" DESC, "id"",
      "WHERE ("n" IS NOT NULL OR ("n" IS NULL AND "id" > '7'))
    ORDER BY "n" DESC, "id"",
    ]
  `)
})

test('an order by the key itself needs no other', () => {
  const sort = { column: column('id', { not_null: true }), descending: true }
  expect(selectRows({ ...spec, sort, after })).toMatchInlineSnapshot(`
    "SELECT "id", xmin, "id", "id", left("title"::text, 1001) AS "title"
    FROM "public"."film"
    WHERE ("id" < '5')
    ORDER BY "id" DESC
    LIMIT 101"
  `)
})

test('rows without a key are walked through by their place, those of views are counted', () => {
  expect(
    selectRows({
      ...spec,
      rowKey: { kind: 'place' },
      withVersion: false,
      after: { ...after, key: ['16384', '(0,7)'] },
    }),
  ).toMatchInlineSnapshot(`
    "SELECT tableoid, ctid, "id", left("title"::text, 1001) AS "title"
    FROM "public"."film"
    WHERE (tableoid, ctid) > ('16384', '(0,7)')
    ORDER BY tableoid, ctid
    LIMIT 101"
  `)
  expect(selectRows({ ...spec, rowKey: { kind: 'none' }, withVersion: false, after }))
    .toMatchInlineSnapshot(`
    "SELECT "id", left("title"::text, 1001) AS "title"
    FROM "public"."film"
    LIMIT 101
    OFFSET 100"
  `)
})

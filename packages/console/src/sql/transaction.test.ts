import { expect, test } from 'vitest'

import { type Change, nameChange, renderTransaction, transactionStatements } from './transaction.ts'

const table = { schema: 'public', name: 'film' }
const row = { key: { id: '7' }, xmin: '745' }

const changes: Change[] = [
  { id: '1', kind: 'update', table, row, before: {}, values: { title: "it's", note: null } },
  { id: '2', kind: 'insert', table, values: { title: 'a\\b' } },
  { id: '3', kind: 'insert', table, values: {} },
  { id: '4', kind: 'delete', table, row: { key: { a: '1', b: "x'" }, xmin: '9' }, before: {} },
]

test('a transaction writes each row as it was read, or nothing', () => {
  expect(renderTransaction(changes)).toMatchInlineSnapshot(`
    "BEGIN;

    -- Update public.film 7
    WITH change AS (
      UPDATE "public"."film"
      SET "title" = 'it''s',
          "note" = NULL
      WHERE "id" = '7' AND xmin = '745'
      RETURNING 1
    )
    SELECT 1 / (count(*) = 1)::int AS one_row FROM change;

    -- Insert into public.film
    INSERT INTO "public"."film" ("title")
    VALUES (E'a\\\\b');

    -- Insert into public.film
    INSERT INTO "public"."film" DEFAULT VALUES;

    -- Delete from public.film 1, x'
    WITH change AS (
      DELETE FROM "public"."film"
      WHERE "a" = '1' AND "b" = 'x''' AND xmin = '9'
      RETURNING 1
    )
    SELECT 1 / (count(*) = 1)::int AS one_row FROM change;

    COMMIT;
    "
  `)
})

test('statement n is change n - 1, and has its name', () => {
  const statements = transactionStatements(changes)
  expect([statements[0], statements.at(-1)]).toEqual(['BEGIN', 'COMMIT'])
  changes.forEach((change, at) =>
    expect(statements[at + 1]).toContain(`-- ${nameChange(change)}\n`),
  )
  expect(changes.map(nameChange)).toEqual([
    'Update public.film 7',
    'Insert into public.film',
    'Insert into public.film',
    "Delete from public.film 1, x'",
  ])
})

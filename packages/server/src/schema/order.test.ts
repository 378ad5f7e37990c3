import { expect, test } from 'vitest'

import { inOrder } from './order.ts'
import type { Kind, SchemaObject } from './schema-object.ts'

const object = (kind: Kind, name: string, more: Partial<SchemaObject> = {}): SchemaObject => ({
  kind,
  name,
  addresses: [`pg_class:${name}`],
  statements: [`CREATE VIEW ${name}`],
  ...more,
})

const orderOf = (objects: SchemaObject[], ...dependencies: [string, string][]): string[] =>
  inOrder(
    objects,
    dependencies.map(([from, to]) => ({ from: `pg_class:${from}`, to: `pg_class:${to}` })),
  ).map(({ kind, name, statements }) => `${kind} ${name}: ${statements.join()}`)

const short = (lines: string[]): string[] => lines.map((line) => line.replace(/:.*/, ''))

test('kinds and names order what does not depend on each other', () => {
  const objects = [object('view', 'a'), object('table', 'b'), object('table', 'a2')]
  expect(short(orderOf(objects))).toEqual(['table a2', 'table b', 'view a'])
  expect(orderOf(objects.toReversed())).toEqual(orderOf(objects))
})

test('what is needed comes first, whatever its kind', () => {
  const objects = [object('function', 'f'), object('table', 't'), object('view', 'v')]
  const found = orderOf(objects, ['f', 'v'], ['v', 't'], ['f', 'unknown'])
  expect(short(found)).toEqual(['table t', 'view v', 'function f'])
})

test('a view in a circle is made as a stand-in first, and replaced when all else is there', () => {
  const view = object('view', 'v', {
    addresses: ['pg_class:v', 'pg_rewrite:v'],
    statements: ['CREATE VIEW v AS SELECT f()'],
    standIn: 'CREATE VIEW v AS SELECT NULL',
    ownership: 'ALTER VIEW v OWNER TO o',
  })
  const dependencies = [
    { from: 'pg_rewrite:v', to: 'pg_class:f' },
    { from: 'pg_class:f', to: 'pg_class:v' },
  ]
  const found = inOrder([view, object('function', 'f')], dependencies)
  expect(found.map(({ statements }) => statements.join())).toEqual([
    'CREATE VIEW v AS SELECT NULL',
    'CREATE VIEW f',
    'CREATE OR REPLACE VIEW v AS SELECT f()',
  ])
  expect(found.map(({ ownership }) => ownership)).toEqual([view.ownership, undefined, undefined])
})

test('a circle without a view, which only hand-made catalogs have, does not hold up the rest', () => {
  const objects = [object('function', 'f'), object('function', 'g')]
  expect(orderOf(objects, ['f', 'g'], ['g', 'f'])).toHaveLength(2)
})

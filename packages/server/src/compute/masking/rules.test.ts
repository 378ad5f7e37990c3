import type { MaskingRule } from '@coppice/api'
import { expect, test } from 'vitest'

import { applyRules } from './rules.ts'
import type { MaskableColumn, MaskableTable } from './tables.ts'

const column = (name: string, more: Partial<MaskableColumn> = {}): MaskableColumn => ({
  name,
  type: 'text',
  isNotNull: false,
  isGenerated: false,
  ...more,
})

const table = (oid: number, name: string, more: Partial<MaskableTable> = {}): MaskableTable => ({
  oid,
  schema: 'public',
  name,
  kind: 'r',
  parents: [],
  isPartition: false,
  columns: [],
  uniques: [],
  foreignKeys: [],
  ...more,
})

const tables = [
  table(1, 'people', {
    columns: [
      column('email', { isNotNull: true }),
      column('name'),
      column('loud', { isGenerated: true }),
    ],
    uniques: [['email'], ['name', null]],
  }),
  table(2, 'orders', {
    columns: [column('person'), column('line')],
    foreignKeys: [
      { name: 'orders_fk', columns: ['person'], table: 1, referencedColumns: ['email'] },
    ],
  }),
  table(3, 'events', { kind: 'p', columns: [column('email')] }),
  table(4, 'events_eu', { parents: [3], isPartition: true, columns: [column('email')] }),
  table(5, 'events_de', { parents: [4], isPartition: true, columns: [column('email')] }),
  table(6, 'names', { kind: 'v', columns: [column('name')] }),
]

const rule = (table_name: string, column_name: string, masking_function: string): MaskingRule => ({
  database_name: 'neondb',
  schema_name: 'public',
  table_name,
  column_name,
  masking_function,
})

test('a rule holds for the table and for all that is below it', () => {
  const masks = applyRules([rule('events', 'email', 'NULL')], tables)
  expect([...masks.keys()]).toEqual([3, 4, 5])
  expect(masks.get(5)?.get('email')).toBe('NULL')
})

test('a value is a literal, whatever is in it', () => {
  const { masking_function: _, ...bare } = rule('people', 'name', '')
  const masks = applyRules([{ ...bare, masking_value: "it's" }], tables)
  expect(masks.get(1)?.get('name')).toBe("'it''s'")
})

test.each([
  ['a table that is not there', [rule('nobody', 'name', 'NULL')], 'does not have'],
  ['a column that is not there', [rule('people', 'nothing', 'NULL')], 'is no column'],
  ['a view', [rule('names', 'name', 'NULL')], 'is a view'],
  ['a generated column', [rule('people', 'loud', 'NULL')], 'is generated'],
  ['null where none may be', [rule('people', 'email', ' null ')], 'is NOT NULL'],
  ['one value in a unique column', [rule('people', 'email', "'same'")], 'is unique'],
  [
    'two rules for a column, one by its partitioned table',
    [rule('events', 'email', 'NULL'), rule('events_de', 'email', 'NULL')],
    'two rules',
  ],
  ['an empty expression', [rule('people', 'name', ' ')], 'empty'],
  [
    'neither function nor value',
    [{ ...rule('people', 'name', ''), masking_function: undefined } as unknown as MaskingRule],
    'not both',
  ],
])('refuses %s', (_, rules, problem) => {
  expect(() => applyRules(rules, tables)).toThrow(problem)
})

const email = (expression: string) => rule('people', 'email', expression)
const person = (expression: string) => rule('orders', 'person', expression)

test.each([
  ['alike and by value', [email('anon.hash(email)'), person('anon.hash( person)')]],
  [
    'with the name quoted',
    [email('anon.partial("email", 2, $$*$$, 1)'), person('anon.partial(person, 2, $$*$$, 1)')],
  ],
  ['not at all', [rule('people', 'name', 'NULL')]],
  ['with nothing to refer to', [person('NULL')]],
])('takes a foreign key masked %s', (_, rules) => {
  expect(applyRules(rules, tables).size).toBeGreaterThan(0)
})

test.each([
  ['on one side', [email('anon.hash(email)')]],
  ['on the other', [person('anon.hash(person)')]],
  ['differently', [email('anon.hash(email)'), person('anon.pseudo_email(person)')]],
  ['at random', [email('anon.fake_email()'), person('anon.fake_email()')]],
  ['by another column', [email('anon.hash(name)'), person('anon.hash(name)')]],
  [
    'by what is not only the column',
    [email('anon.hash(email || now())'), person('anon.hash(person || now())')],
  ],
  ['by what no foreign key holds for sure', [email("email || 'x'"), person("person || 'x'")]],
])('refuses a foreign key masked %s', (_, rules) => {
  expect(() => applyRules(rules, tables)).toThrow('orders_fk')
})

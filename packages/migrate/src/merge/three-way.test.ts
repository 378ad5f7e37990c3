import { expect, test } from 'vitest'

import type { Kind, Schema, SchemaObject } from './schema-object.ts'
import { compareThreeWay } from './three-way.ts'

type Entry = [kind: Kind, key: string, definition: string, parent?: string]

function schema(...entries: Entry[]): Schema {
  return new Map(
    entries.map(([kind, key, definition, parent = null]): [string, SchemaObject] => [
      `${kind} ${key}`,
      { kind, key, definition, parent, data: {} },
    ]),
  )
}

const users: Entry = ['table', '"public"."users"', 'table']
const column = (name: string, definition: string): Entry => [
  'column',
  `"public"."users"."${name}"`,
  definition,
  'table "public"."users"',
]
const name = column('name', '"name" text')

function compare(base: Entry[], branch: Entry[], parent: Entry[]) {
  const { changes, conflicts, alike } = compareThreeWay(
    schema(...base),
    schema(...branch),
    schema(...parent),
  )
  return { changes: changes.map(({ id }) => id), conflicts, alike }
}

test('what only the branch changed is a change, what only the parent changed is none', () => {
  expect(
    compare(
      [users, name],
      [users, name, column('age', '"age" int')],
      [users, name, column('born', '"born" date')],
    ),
  ).toEqual({ changes: ['column "public"."users"."age"'], conflicts: [], alike: [] })
})

test('the same change on both sides is nothing to do', () => {
  const longer = column('name', '"name" varchar(50)')
  expect(compare([users, name], [users, longer], [users, longer])).toEqual({
    changes: [],
    conflicts: [],
    alike: ['column users.name'],
  })
  expect(compare([users, name], [], [])).toMatchObject({ changes: [], conflicts: [] })
})

test('different changes of one object are a conflict, with all definitions', () => {
  const { changes, conflicts } = compare(
    [users, name],
    [users, column('name', '"name" varchar(50)')],
    [users, column('name', '"name" text not null')],
  )
  expect(changes).toEqual([])
  expect(conflicts).toEqual([
    {
      object: 'column users.name',
      base: '"name" text',
      branch: '"name" varchar(50)',
      parent: '"name" text not null',
    },
  ])
})

test('an object that one side dropped and the other changed is a conflict', () => {
  const longer = column('name', '"name" varchar(50)')
  expect(compare([users, name], [users], [users, longer]).conflicts).toMatchObject([
    { object: 'column users.name', branch: null },
  ])
  expect(compare([users, name], [users, longer], [users]).conflicts).toMatchObject([
    { object: 'column users.name', parent: null },
  ])
})

test('a table that one side dropped while the other changed something in it is one conflict', () => {
  const age = column('age', '"age" int')
  const dropped = { object: 'table users', base: 'table ("name" text)' }
  expect(compare([users, name], [], [users, name, age])).toEqual({
    changes: [],
    alike: [],
    conflicts: [{ ...dropped, branch: null, parent: 'table ("name" text, "age" int)' }],
  })
  expect(compare([users, name], [users, name, age], [])).toEqual({
    changes: [],
    alike: [],
    conflicts: [{ ...dropped, branch: 'table ("name" text, "age" int)', parent: null }],
  })
})

test('a table that both made is a conflict unless both made the same', () => {
  expect(compare([], [users, name], [users, name])).toMatchObject({ changes: [], conflicts: [] })
  expect(compare([], [users, name], [users, column('age', '"age" int')])).toMatchObject({
    changes: [],
    conflicts: [{ object: 'table users', base: null }],
  })
})

test('something for an object that the parent no longer has is a conflict', () => {
  const index: Entry = ['index', '"public"."by_name"', 'CREATE INDEX', 'table "public"."users"']
  const grant: Entry = [
    'grant',
    'table "public"."users" to app',
    'SELECT',
    'table "public"."users"',
  ]
  const view: Entry = ['view', '"public"."all"', 'select']
  const onView: Entry = ['grant', 'view "public"."all" to app', 'SELECT', 'view "public"."all"']
  expect(compare([users], [users, index, grant], []).conflicts).toMatchObject([
    { object: 'table users', parent: null },
  ])
  expect(compare([view], [view, onView], []).conflicts).toHaveLength(1)
})

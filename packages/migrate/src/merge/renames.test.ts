import { expect, test } from 'vitest'

import {
  findRenames,
  parseRename,
  type RenameFlags,
  renameStatement,
  UnansweredRenamesError,
} from './renames.ts'
import type { Schema, SchemaObject } from './schema-object.ts'

type Tables = Record<string, Record<string, string>>

/** Tables with the types of their columns. */
function schema(tables: Tables): Schema {
  const objects = Object.entries(tables).flatMap(([table, columns]): SchemaObject[] => {
    const key = `"public"."${table}"`
    const target = `table ${key}`
    return [
      { kind: 'table', key, parent: null, definition: 'table', data: { target } },
      ...Object.entries(columns).map(([name, type]): SchemaObject => ({
        kind: 'column',
        key: `${key}."${name}"`,
        parent: target,
        definition: `"${name}" ${type}`,
        data: { name, type, target },
      })),
    ]
  })
  return new Map(objects.map((object) => [`${object.kind} ${object.key}`, object]))
}

const none: RenameFlags = { renames: [], drops: [] }

function find(before: Tables, after: Tables, flags: RenameFlags = none, parent = before) {
  const { renames, questions } = findRenames(schema(before), schema(after), schema(parent), flags)
  return {
    renames: renames.map((one) => renameStatement(one, schema(before))),
    questions: questions.map(({ dropped, candidates }) => [
      dropped.key,
      ...candidates.map(({ key }) => key),
    ]),
  }
}

const before = { users: { id: 'int', name: 'text' } }
const renamed = { users: { id: 'int', full_name: 'text' } }

test('a column that went and one of its type that came are asked about', () => {
  expect(find(before, renamed)).toEqual({
    renames: [],
    questions: [['"public"."users"."name"', '"public"."users"."full_name"']],
  })
})

test('other types, other tables, and columns that only came or went are not', () => {
  expect(find(before, { users: { id: 'int', age: 'bigint' } }).questions).toEqual([])
  expect(find(before, { users: { id: 'int' }, pets: { name: 'text' } }).questions).toEqual([])
  expect(find(before, { users: { ...before.users, nick: 'text' } }).questions).toEqual([])
})

test('a table that went and one with the same columns that came are asked about', () => {
  expect(find(before, { people: { name: 'text', id: 'int' } }).questions).toEqual([
    ['"public"."users"', '"public"."people"'],
  ])
  expect(find(before, { people: { id: 'int' } }).questions).toEqual([])
})

test('flags answer', () => {
  const rename = { renames: [parseRename('users.name=full_name')], drops: [] }
  expect(find(before, renamed, rename)).toEqual({
    renames: ['alter table "public"."users" rename column "name" to "full_name"'],
    questions: [],
  })
  expect(find(before, renamed, { renames: [], drops: ['public.users.name'] })).toEqual({
    renames: [],
    questions: [],
  })
  const table = { renames: [parseRename('users=people')], drops: [] }
  expect(find(before, { people: before.users }, table).renames).toEqual([
    'alter table "public"."users" rename to "people"',
  ])
})

test('what the parent has renamed itself is not renamed again', () => {
  const { renames } = findRenames(schema(before), schema(renamed), schema(renamed), {
    renames: [{ from: 'users.name', to: 'full_name' }],
    drops: [],
  })
  expect(renames.map((one) => renameStatement(one, schema(renamed)))).toEqual([undefined])
})

test('what the parent has done too is not asked', () => {
  expect(find(before, renamed, none, renamed).questions).toEqual([])
  expect(find(before, renamed, none, { users: { id: 'int' } }).questions).toHaveLength(1)
})

test('flags that match nothing are refused', () => {
  const flags = (renames: string[], drops: string[] = []) => ({
    renames: renames.map((text) => parseRename(text)),
    drops,
  })
  expect(() => find(before, renamed, flags(['users.nick=full_name']))).toThrow('dropped no table')
  expect(() => find(before, renamed, flags(['users.name=other']))).toThrow('made no column other')
  expect(() => find(before, renamed, flags([], ['users']))).toThrow('dropped no table')
  expect(() => parseRename('users.name')).toThrow('is not a rename')
})

test('the error where nobody can be asked has the flags to give', () => {
  const { questions } = findRenames(schema(before), schema(renamed), schema(before), none)
  expect(new UnansweredRenamesError(questions).advice).toBe(
    'column users.name is gone. One of:\n  --rename users.name=full_name\n  --drop users.name',
  )
})

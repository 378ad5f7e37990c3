import { expect, test } from 'vitest'

import { compareSchemas } from './compare-schemas.ts'

const own = (heading: string, ...lines: string[]) => ['--', `-- ${heading}`, '--', '', ...lines, '']
const dumped = (name: string, type: string, schema: string, ...lines: string[]) =>
  own(`Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: o`, ...lines)
const compare = (left: string[], right: string[]) =>
  compareSchemas(left.join('\n'), right.join('\n')).map(
    ({ kind, name, lines }) => `${kind} ${name}: ${lines.filter((one) => !one.isSame).length}`,
  )

test('schemas are compared object by object, in whatever order they stand', () => {
  const orders = own('TABLE public.orders', 'CREATE TABLE orders (', ');')
  const users = (column: string) => own('TABLE public.users', 'CREATE TABLE users (', column, ');')
  const left = [...orders, ...users('a int'), ...own('VIEW public.old', 'CREATE VIEW old;')]
  const right = [
    ...users('b int'),
    ...own('INDEX shop.fresh', 'CREATE INDEX fresh;'),
    ...orders,
    ...own('End of the schema'),
  ]
  expect(compare(left, right)).toEqual([
    'same table orders: 0',
    'changed table users: 1',
    'added index shop.fresh: 1',
    'dropped view old: 1',
  ])
})

test('of pg_dump too, without what is different in each of its scripts', () => {
  const table = dumped('users', 'TABLE', 'public', 'CREATE TABLE users ();')
  const left = [
    '\\restrict abc',
    ...dumped('a', 'SCHEMA', '-', 'CREATE SCHEMA a;', '', 'SET default_tablespace = $$;'),
    ...table,
  ]
  const right = [
    '\\restrict def',
    ...dumped('a', 'SCHEMA', '-', 'CREATE SCHEMA a;'),
    'SET default_table_access_method = heap;',
    ...table,
    ...dumped('t', 'TABLE', 'a', 'CREATE TABLE a.t ();'),
    ...dumped('t', 'TABLE', 'a', 'CREATE TABLE a.t ();'),
  ]
  expect(compare(left, right)).toEqual([
    'same schema a: 0',
    'same table users: 0',
    'added table a.t: 1',
    'added table a.t (2): 1',
  ])
})

test('where migrations are kept track of is left out', () => {
  const ours = [
    ...own('SCHEMA coppice', 'CREATE SCHEMA coppice;'),
    ...dumped('migrations', 'TABLE', 'coppice', 'CREATE TABLE coppice.migrations ();'),
    ...own('TABLE coppice.restore_points', 'CREATE TABLE coppice.restore_points ();'),
  ]
  const theirs = own('TABLE public.coppice', 'CREATE TABLE coppice ();')
  expect(compare([], [...ours, ...theirs])).toEqual(['added table coppice: 1'])
})

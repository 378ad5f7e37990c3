import { expect, test } from 'vitest'

import {
  alignScripts,
  type AlignedLine,
  changedObjects,
  differingPart,
  foldEqual,
  withoutOwnObjects,
} from './align-schemas.ts'

const beside = (lines: readonly AlignedLine[]) =>
  lines.map(({ left, right }) => `${left?.number ?? ''} ${left?.text ?? ''}|${right?.text ?? ''}`)

test('two scripts stand beside each other, by the one and the diff to the other', () => {
  const script = ['a', 'b', 'c', 'd', 'e', 'f'].join('\n')
  const diff = [
    '===',
    '--- old',
    '+++ new',
    '@@ -2,2 +2,3 @@',
    ' b',
    '-c',
    '+C',
    '+x',
    '@@ -5,0 +7,1 @@',
    '+y',
    '\\ No newline at end of file',
  ].join('\n')
  const lines = alignScripts(script, diff)
  expect(beside(lines)).toEqual([
    '1 a|a',
    '2 b|b',
    '3 c|C',
    ' |x',
    '4 d|d',
    '5 e|e',
    ' |y',
    '6 f|f',
  ])
  expect(lines.map(({ right }) => right?.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

test('equal scripts are all the same, and one that is empty is all the other', () => {
  expect(alignScripts('a\nb', '').map(({ kind }) => kind)).toEqual(['same', 'same'])
  expect(beside(alignScripts('', '@@ -0,0 +1,2 @@\n+a\n+b'))).toEqual([' |a', ' |b'])
})

const dumped = (name: string, type: string, schema = 'public') =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: o\n--`

test('what differs is named by the headings of the scripts, without what is ours', () => {
  const lines = alignScripts(
    [dumped('users', 'TABLE'), 'CREATE TABLE', '-- VIEW public.old', 'CREATE VIEW'].join('\n'),
    [
      '@@ -4,3 +4,8 @@',
      '-CREATE TABLE',
      '+CREATE TABLE changed',
      '--- VIEW public.old',
      '-CREATE VIEW',
      '+-- INDEX shop.fresh',
      '+CREATE INDEX',
      '+-- Name: migrations; Type: TABLE; Schema: coppice; Owner: o',
      '+CREATE TABLE coppice.migrations',
      '+-- SCHEMA coppice',
      '+CREATE SCHEMA coppice',
    ].join('\n'),
  )
  expect(changedObjects(lines).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'changed table users',
    'dropped view old',
    'added index shop.fresh',
  ])
  const shown = beside(withoutOwnObjects(lines)).join('\n')
  expect(shown).toContain('CREATE INDEX')
  expect(shown).not.toContain('coppice')
})

test('what is equal is folded, but for three lines around what is not', () => {
  const script = Array.from({ length: 20 }, (_, at) => String(at)).join('\n')
  const blocks = foldEqual(alignScripts(script, '@@ -11,1 +11,1 @@\n-10\n+ten'))
  expect(blocks.map(({ isFolded, start, lines }) => [isFolded, start, lines.length])).toEqual([
    [true, 0, 7],
    [false, 7, 7],
    [true, 14, 6],
  ])
})

test('the part of two lines that differs', () => {
  expect(differingPart('name text,', 'name varchar,')).toEqual({ start: 5, ends: [9, 12] })
  expect(differingPart('aa', 'aaa')).toEqual({ start: 2, ends: [2, 3] })
  expect(differingPart('same', 'same')).toEqual({ start: 4, ends: [4, 4] })
})

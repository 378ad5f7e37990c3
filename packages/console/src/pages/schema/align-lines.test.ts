import fc from 'fast-check'
import { expect, test } from 'vitest'

import { alignLines, differingPart, foldEqual } from './align-lines.ts'

const beside = (left: string, right: string) =>
  alignLines(left.split(''), right.split('')).map(
    (line) => `${line.left ?? ''}|${line.right ?? ''}`,
  )

test('texts stand beside each other, with what went and came at one place on one line', () => {
  expect(beside('abcdef', 'abCxdefy')).toEqual([
    'a|a',
    'b|b',
    'c|C',
    '|x',
    'd|d',
    'e|e',
    'f|f',
    '|y',
  ])
  expect(beside('', 'ab')).toEqual(['|a', '|b'])
  expect(beside('ab', 'ab')).toEqual(['a|a', 'b|b'])
  const [last, more] = alignLines(['a int'], ['a int,', 'b int'])
  expect(last).toEqual({ isSame: true, left: 'a int', right: 'a int,' })
  expect(more).toEqual({ isSame: false, left: undefined, right: 'b int' })
})

test('each side keeps its lines, and what is said to be the same is', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 })
  fc.assert(
    fc.property(text, text, (left, right) => {
      const lines = alignLines(left, right)
      expect(lines.flatMap((line) => line.left ?? [])).toEqual(left)
      expect(lines.flatMap((line) => line.right ?? [])).toEqual(right)
      expect(lines.filter((line) => line.isSame && line.left !== line.right)).toEqual([])
    }),
  )
})

test('what is equal is folded, but for three lines around what is not', () => {
  const left = Array.from({ length: 20 }, (_, at) => String(at))
  const runs = foldEqual(alignLines(left, left.with(9, 'nine')))
  expect(runs.map(({ isFolded, start, lines }) => [isFolded, start, lines.length])).toEqual([
    [true, 0, 6],
    [false, 6, 7],
    [true, 13, 7],
  ])
  // Three lines are no fold.
  expect(foldEqual(alignLines(left, left.with(6, 'six')))[0]?.isFolded).toBe(false)
})

test('the part of two lines that differs, where they have something in common', () => {
  expect(differingPart('name text,', 'name varchar,')).toEqual({ start: 5, ends: [9, 12] })
  expect(differingPart('aa', 'aaa')).toEqual({ start: 2, ends: [2, 3] })
  expect(differingPart('    name text,', '    plan numeric(10),')).toBeUndefined()
})

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { escapeLike, quoteComment, quoteName, quoteTable, quoteValue } from './quote.ts'

/** What tries to end a name or a value early. */
const hostile = fc.string({
  unit: fc.constantFrom(
    "'",
    '"',
    '\\',
    '$$',
    '$a$',
    ';',
    '--',
    '/*',
    '\n',
    '\r',
    'é',
    '🐘',
    'x',
    ' ',
  ),
})

/** The value of a literal as PostgreSQL's lexer reads it; undefined where it goes on or ends early. */
function readLiteral(sql: string): string | undefined {
  const [, escapes, inner = ''] = /^(E?)'(.*)'$/s.exec(sql) ?? []
  let value = ''
  for (let at = 0; at < inner.length; at += 1) {
    const [one, next] = [inner[at] ?? '', inner[at + 1]]
    if (one === "'" || (one === '\\' && escapes === 'E')) {
      if (next !== one) return undefined
      at += 1
    }
    // Without E, what a backslash means depends on a setting.
    else if (one === '\\') return undefined
    value += one
  }
  return value
}

test('a value is read back as it was, whatever is in it', () => {
  fc.assert(
    fc.property(hostile, (value) => {
      expect(readLiteral(quoteValue(value))).toBe(value)
    }),
  )
  expect(quoteValue("it's")).toBe("'it''s'")
  expect(quoteValue(String.raw`C:\new'`)).toBe(String.raw`E'C:\\new'''`)
  expect([quoteValue(''), quoteValue(null)]).toEqual(["''", 'NULL'])
  expect(() => quoteValue('a\0b')).toThrow('zero byte')
})

test('a name ends where it ends', () => {
  fc.assert(
    fc.property(
      hostile.filter((name) => name !== ''),
      (name) => {
        const quoted = quoteName(name)
        expect(quoted.slice(1, -1).replaceAll('""', '')).not.toContain('"')
        expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(name)
      },
    ),
  )
  expect(quoteTable({ schema: 'Sales "EU"', name: 'order' })).toBe('"Sales ""EU"""."order"')
  expect(() => quoteName('')).toThrow('not empty')
})

test('a comment keeps to its line, and LIKE finds what was typed', () => {
  expect(quoteComment('a\n; drop table b')).toBe('-- a ; drop table b')
  expect(escapeLike(String.raw`100%_\x`)).toBe(String.raw`100\%\_\\x`)
})

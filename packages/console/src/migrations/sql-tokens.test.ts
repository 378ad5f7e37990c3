import { expect, test } from 'vitest'

import { tokensOf } from './sql-tokens.ts'

const kinds = (line: string) =>
  tokensOf(line)
    .filter(({ text }) => text.trim() !== '')
    .map(({ kind, text }) => `${kind} ${text.trim()}`)

test('a line of SQL is taken apart by what its pieces are', () => {
  expect(kinds(`ALTER TABLE "Odd" ADD note text DEFAULT 'it''s' -- 1`)).toEqual([
    'keyword ALTER',
    'keyword TABLE',
    'name "Odd"',
    'keyword ADD',
    'plain note',
    'type text',
    'keyword DEFAULT',
    `string 'it''s'`,
    'comment -- 1',
  ])
})

test.each(['', '  price numeric(10,2) NOT NULL,', "AS $$ begin 'open", 'ünïcode "x', '\t-- only'])(
  'joined, the pieces of %j are the line',
  (line) => {
    expect(
      tokensOf(line)
        .map(({ text }) => text)
        .join(''),
    ).toBe(line)
  },
)

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { readScript } from './sql-tokens.ts'

/** Each statement's tokens: literals in `<>`, names in `[]`. */
function read(sql: string): string[] {
  return readScript(sql).statements.map((statement) =>
    statement
      .map(({ kind, text }) =>
        kind === 'literal' ? `<${text}>` : kind === 'name' ? `[${text}]` : text,
      )
      .join(' '),
  )
}

test.each([
  ['', []],
  [' ; ;; -- x', []],
  ['Select 1; SELECT 2', ['select 1', 'select 2']],
  ["select 'a;b''c', E'it\\'s; x'; x", ["select <a;b'c> , <it\\'s; x>", 'x']],
  ["select U&'d\\0061', b'1', n'x', x'f', e'", ['select <d\\0061> , <1> , <x> , <f> , <>']],
  ['select "a;""B", U&"x"', ['select [a;"B] , [x]']],
  ['/* a /* b; */ c; */ set -- x;\n a.b=1', ['set a . b = 1']],
  ['select/**/1--\r2', ['select 1 2']],
  ['do $$ a; $x$ ; $$; do $x$ $$ ; $x$', ['do < a; $x$ ; >', 'do < $$ ; >']],
  ['select $1, a$b$c, $é$;$é$', ['select $1 , a$b$c , <;>']],
  [
    'create rule r as on insert to t do (a; b); c',
    ['create rule r as on insert to t do ( a ; b )', 'c'],
  ],
  ["select name'x'", ['select name <x>']],
  ["select 'open; -- x", ['select <open; -- x>']],
  ['select "open;', ['select [open;]']],
  ['select $a$open;', ['select <open;>']],
  ['set a /* open; x', ['set a']],
  ['); a; b', [')', 'a', 'b']],
])('reads %j', (sql, statements) => {
  expect(read(sql)).toEqual(statements)
})

test.each([
  ["select 'C:\\'", true],
  ["select '\\'; set app.x = '", true],
  ["select 'C:\\\\x'", false],
  ["select E'it\\'s'", false],
  ["select 'it''s'", false],
  ["select $$'\\'$$, \"'\\'\"", false],
])('knows whether %j can be read in two ways', (sql, isAmbiguous) => {
  expect(readScript(sql).isAmbiguous).toBe(isAmbiguous)
})

/** Each with what it is read as; blanks are read as nothing. */
const piece = fc.constantFrom(
  ["'a;''b--'", "<a;'b-->"],
  ["E'\\';'", "<\\';>"],
  ['$$;$a$ $$', '<;$a$ >'],
  ['$a$;$$ $a$', '<;$$ >'],
  ['";""--"', '[;"--]'],
  ['word$1', 'word$1'],
  ['(', '('],
  ['::', ': :'],
  ['/*;/*\'*/"*/', ''],
  ["--;'\n", ''],
)

test('reads pieces as what they are, wherever they stand', () => {
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const expected = pieces.map(([, tokens]) => tokens).filter((tokens) => tokens !== '')
      const sql = pieces.map(([text]) => text).join(' ')
      expect(read(`${sql} `)).toEqual(expected.length > 0 ? [expected.join(' ')] : [])
    }),
  )
})

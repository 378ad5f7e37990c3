import fc from 'fast-check'
import { expect, test } from 'vitest'

import { signatureOf, transition } from './session-variables.ts'

function move(from: Record<string, string>, to: Record<string, string>): string | undefined {
  return transition(new Map(Object.entries(from)), new Map(Object.entries(to)))
}

const set = (...calls: string[]) =>
  `select ${calls.map((call) => `pg_catalog.set_config(${call}, false) is null`).join(', ')}`

test.each([
  [{}, {}, undefined],
  [{ a: '1' }, { a: '1' }, undefined],
  [{}, { a: '1', b: '' }, set("'a', '1'", "'b', ''")],
  [{ a: '1', b: '2' }, { a: '1', b: '3' }, set("'b', '3'")],
  [{ a: '1', 'App.x"y': '2' }, {}, 'reset "a"; reset "App"."x""y"'],
  [
    { a: "it's" },
    { b: "it's \\ é 🌲" },
    `reset "a"; ${set("'b', E'it''s \\\\ \\U000000e9 \\U0001f332'")}`,
  ],
  [{ role: 'x' }, {}, 'reset role'],
  [{}, { role: 'x', a: '1' }, `${set("'a', '1'")}; ${set("'role', 'x'")}`],
  [{ role: 'x' }, { role: 'y' }, `reset role; ${set("'role', 'y'")}`],
  [{ role: 'x', a: '1' }, { role: 'x' }, `reset role; reset "a"; ${set("'role', 'x'")}`],
])('moves from %j to %j', (from: Record<string, string>, to: Record<string, string>, sql) => {
  expect(move(from, to)).toBe(sql)
})

const names = fc.constantFrom('a', 'b', 'app.x', 'role', 'search_path')
const values = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('\0'))
const variables = fc.dictionary(names, values).map((record) => new Map(Object.entries(record)))

/** What PostgreSQL would have after it: statements in their order. */
function apply(from: ReadonlyMap<string, string>, sql: string): Map<string, string> {
  const session = new Map(from)
  // Quoted texts may hold anything, so the text is taken apart by what stands outside of them.
  const step =
    /reset role|reset ((?:"[^"]+"\.?)+)|set_config\('([^']+)', (E?'(?:''|\\.|[^'\\])*'), false\)/g
  for (const [text, reset, name, literal] of sql.matchAll(step)) {
    if (text === 'reset role') session.delete('role')
    else if (reset !== undefined) session.delete(reset.replaceAll('"', ''))
    else session.set(name ?? '', unquote(literal ?? ''))
  }
  return session
}

function unquote(literal: string): string {
  return literal
    .replace(/^E?'|'$/g, '')
    .replace(/''|\\\\|\\U([0-9a-f]{8})/g, (text, code: string | undefined) =>
      code === undefined ? (text[0] ?? '') : String.fromCodePoint(Number.parseInt(code, 16)),
    )
}

test('makes any variables into any others, in ASCII', () => {
  fc.assert(
    fc.property(variables, variables, (from, to) => {
      const sql = transition(from, to)
      expect(sql === undefined).toBe(signatureOf(from) === signatureOf(to))
      expect(sql ?? '').toMatch(/^[\x20-\x7e]*$/)
      expect(apply(from, sql ?? '')).toEqual(to)
    }),
  )
})

test('signs sets that are equal equally, whatever their order, and no others', () => {
  fc.assert(
    fc.property(variables, variables, (one, other) => {
      const isEqual = [...one].every(([name, value]) => other.get(name) === value)
      expect(signatureOf(new Map([...one].toReversed()))).toBe(signatureOf(one))
      expect(signatureOf(one) === signatureOf(other)).toBe(isEqual && one.size === other.size)
    }),
  )
})

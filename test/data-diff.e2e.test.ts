import fc from 'fast-check'
import createSql, { type Sql } from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { compareTable } from '../packages/cli/src/data-diff/compare-table.ts'
import { type Session, sessionSetup, type TextRow } from '../packages/cli/src/data-diff/session.ts'
import { planTables } from '../packages/cli/src/data-diff/tables.ts'
import {
  findInstallations,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from '../packages/server/src/testing/throwaway-postgres.ts'

/** The comparison of rows against what a plain look at all of them finds. */
let server: ThrowawayPostgres
const sides: Sql[] = []

beforeAll(async () => {
  const [newest] = (await findInstallations()).toReversed()
  if (newest === undefined) throw new Error('no PostgreSQL is on this machine')
  server = await startThrowawayPostgres(newest)
  for (const database of ['base', 'branch']) {
    await server.sql(`create database ${database}`)
    sides.push(
      createSql({
        path: server.socketPath,
        database,
        user: 'postgres',
        max: 1,
        prepare: false,
        fetch_types: false,
        onnotice: () => undefined,
      }),
    )
  }
})

afterAll(async () => {
  await Promise.all(sides.map(async (sql) => sql.end()))
  await server?.stop()
})

/** Makes the table on both sides, each with its rows, and compares them. */
async function compare(table: string, rows: readonly [string, string], limit = 1_000_000) {
  const [base, branch] = await Promise.all(
    sides.map(async (sql, index) => {
      await sql.unsafe(`rollback; reset all; drop table if exists t; create table t ${table}`)
      if (rows[index]) await sql.unsafe(`insert into t ${rows[index]}`)
      await sql.unsafe(sessionSetup)
      const session: Session = {
        query: async (text) =>
          (await sql.unsafe(text).raw()).map((row) =>
            row.map((value) => value?.toString() ?? null),
          ) as TextRow[],
      }
      return session
    }),
  )
  if (base === undefined || branch === undefined) throw new Error('there are two sides')
  const [plan] = await planTables(base, branch)
  if (plan === undefined) throw new Error('the table is there')
  return compareTable(base, branch, plan, limit)
}

const keys = {
  integer: ['k integer primary key', (n: number) => String(n)],
  text: ['k text primary key', (n: number) => `'k''${n % 7} ${n}'`],
  uuid: ['k uuid primary key', (n: number) => `md5('${n}')::uuid`],
  numeric: ['k numeric not null unique', (n: number) => `${n}.50`],
  none: ['k integer', (n: number) => String(n % 5)],
} as const

type Contents = ReadonlyMap<number, string>

const contents: fc.Arbitrary<Contents> = fc
  .array(fc.tuple(fc.nat(200), fc.constantFrom(`null`, `''`, `'a,"b'`, `'\\'`)), { maxLength: 60 })
  .map((entries) => new Map(entries))

const values = (rows: Contents, literal: (n: number) => string): string =>
  rows.size === 0 ? '' : `values ${[...rows].map(([n, v]) => `(${literal(n)}, ${v})`).join(', ')}`

test('finds what a look at every row finds, whatever the key is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.values(keys)),
      contents,
      contents,
      async ([column, literal], before, after) => {
        const found = await compare(`(${column}, v text)`, [
          values(before, literal),
          values(after, literal),
        ])
        const expected =
          column === keys.none[0] ? countRows(before, after) : countKeys(before, after)
        expect(found.counts).toEqual(expected)
        for (const { kind, before: old, after: current } of found.changes) {
          expect(old === undefined).toBe(kind === 'added')
          expect(current === undefined).toBe(kind === 'removed')
        }
      },
    ),
    { numRuns: 60 },
  )
})

function countKeys(before: Contents, after: Contents) {
  const both = [...before.keys()].filter((n) => after.has(n))
  return {
    added: after.size - both.length,
    removed: before.size - both.length,
    changed: both.filter((n) => before.get(n) !== after.get(n)).length,
  }
}

/** Without a key, rows are equal when all of their values are. */
function countRows(before: Contents, after: Contents) {
  const counts = new Map<string, number>()
  const add = (rows: Contents, step: number): void => {
    for (const [n, v] of rows) {
      const row = `${n % 5} ${v}`
      counts.set(row, (counts.get(row) ?? 0) + step)
    }
  }
  add(after, 1)
  add(before, -1)
  const all = [...counts.values()]
  const sum = (some: number[]): number => some.reduce((total, one) => total + Math.abs(one), 0)
  return {
    added: sum(all.filter((one) => one > 0)),
    removed: sum(all.filter((one) => one < 0)),
    changed: 0,
  }
}

const series = (from: number, to: number, columns: string): string =>
  `select ${columns} from generate_series(${from}, ${to}) n`

test('goes through more rows than travel at once, and shows some in the order of their keys', async () => {
  const found = await compare(
    '(k integer primary key, v text)',
    [
      series(1, 30_000, `n, 'x'`),
      series(2, 30_001, `n, case when n % 2 = 0 then 'x' else 'y' end`),
    ],
    3,
  )
  expect(found.counts).toEqual({ added: 1, removed: 1, changed: 14_999 })
  expect(found.changes).toHaveLength(3)
  const shown = found.changes.map(({ before, after }) => Number((after ?? before)?.[0]))
  expect(shown).toEqual(shown.toSorted((a, b) => a - b))
})

test('counts equal rows of a table without a key, also very many of them', async () => {
  const many = (count: number): string => series(1, count, `1, 'same'`)
  const found = await compare('(k integer, v text)', [many(20_000), many(20_003)], 2)
  expect(found.counts).toEqual({ added: 3, removed: 0, changed: 0 })
  expect(found.changes).toEqual([
    { kind: 'added', before: undefined, after: ['1', 'same'] },
    { kind: 'added', before: undefined, after: ['1', 'same'] },
  ])
})

test('a key of several columns and of types with collations tells rows apart', async () => {
  const table = '(a integer, b text collate "C", v integer, primary key (a, b))'
  const found = await compare(table, [
    series(1, 1000, `n / 10, 'b' || n, n`),
    series(1, 1001, `n / 10, 'b' || n, case n when 500 then 0 else n end`),
  ])
  expect(found.counts).toEqual({ added: 1, removed: 0, changed: 1 })
  expect(found.changes).toEqual([
    { kind: 'changed', before: ['50', 'b500', '500'], after: ['50', 'b500', '0'] },
    { kind: 'added', before: undefined, after: ['100', 'b1001', '1001'] },
  ])
})

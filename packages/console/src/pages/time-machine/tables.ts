/** The tables of a database then and now, with their rows. */
import { quoteName } from '../../sql/quote.ts'
import type { PrimaryKeys } from './compare-rows.ts'

export interface Table {
  /** Schema and name, quoted where SQL needs it. */
  sqlName: string
  name: string
  oid: number
  key: { name: string; number: number }[]
  /** Undefined where it was not counted. */
  rows: number | undefined
}

/** More are not counted: a preview is to be quick. */
export const countedMax = 100_000
/** What a table holds, in the order of its key. */
export function previewSql({ sqlName, key }: Table): string {
  const order = key.map(({ name }) => quoteName(name)).join(', ')
  return `select * from ${sqlName}${order === '' ? '' : ` order by ${order}`} limit 100`
}

export const keysOf = (tables: readonly Table[]): PrimaryKeys =>
  new Map(tables.map(({ oid, key }) => [oid, key.map(({ number }) => number)]))

export interface TablePair {
  name: string
  past: Table | undefined
  present: Table | undefined
}

/** By name: what differs first. */
export function pairTables(past: readonly Table[], present: readonly Table[]): TablePair[] {
  const thenBy = new Map(past.map((table) => [table.name, table]))
  const nowBy = new Map(present.map((table) => [table.name, table]))
  const names = [...new Set([...nowBy.keys(), ...thenBy.keys()])]
  const pairs = names.map((name) => ({ name, past: thenBy.get(name), present: nowBy.get(name) }))
  return pairs.toSorted((a, b) => Number(differs(b)) - Number(differs(a)))
}

/** As far as their rows were counted. */
export const differs = ({ past, present }: TablePair): boolean => past?.rows !== present?.rows

import type { TableColumn } from './catalog.ts'
import { type Filter, renderFilter } from './filters.ts'
import { quoteName, quoteTable, quoteValue, type TableName } from './quote.ts'

/** Longer values are cut where they are read; who wants all of one opens its row. In characters. */
export const cellLength = 1000

/** How rows are told apart and walked through. */
export type RowKey =
  /** By the columns of a primary key, or of a unique index without NULLs. */
  | { kind: 'columns'; columns: readonly string[] }
  /** By where they lie, in a table without such a key; it is another place after each write. */
  | { kind: 'place' }
  /** Views and foreign tables: by counting. */
  | { kind: 'none' }

export interface Sort {
  column: TableColumn
  descending: boolean
}

/** Where a page of rows begins: after a row, or after so many. */
export interface After {
  key: readonly (string | null)[]
  sort: string | null
  offset: number
}

export interface PageSpec {
  table: TableName
  rowKey: RowKey
  /** With `xmin`, which views do not have. */
  withVersion: boolean
  columns: readonly TableColumn[]
  sort: Sort | undefined
  filters: readonly Filter[]
  /** A condition as somebody wrote it. */
  where: string
  after: After | undefined
  limit: number
}

/**
 * One page of rows: the parts of the key, `xmin` where asked for, the value that is sorted by where one is,
 * then the columns. The next page begins after a row's key, not after a number of rows, so it costs the
 * same however far down it is, and nothing is seen twice when rows come and go.
 */
export function selectRows(spec: PageSpec): string {
  const { table, sort, columns, after, rowKey } = spec
  const key = keyNames(rowKey)
  const list = [
    ...key,
    ...(spec.withVersion ? ['xmin'] : []),
    ...(sort ? [quoteName(sort.column.name)] : []),
    ...columns.map((column) => cell(column, spec)),
  ]
  const conditions = [
    ...matching(spec),
    ...(after && key.length > 0 ? [comesAfter(key, sort, after)] : []),
  ]
  const order = orderBy(key, sort)
  return [
    `SELECT ${list.length > 0 ? list.join(', ') : 'NULL'}`,
    `FROM ${quoteTable(table)}`,
    ...(conditions.length > 0 ? [`WHERE ${conditions.join('\n  AND ')}`] : []),
    ...(order.length > 0 ? [`ORDER BY ${order.join(', ')}`] : []),
    `LIMIT ${spec.limit}`,
    ...(after && key.length === 0 ? [`OFFSET ${after.offset}`] : []),
  ].join('\n')
}

/** How many rows there are under the conditions: all of them are read for it. */
export function countRows(spec: Pick<PageSpec, 'table' | 'filters' | 'where'>): string {
  const conditions = matching(spec)
  const where = conditions.length > 0 ? `\nWHERE ${conditions.join('\n  AND ')}` : ''
  return `SELECT count(*) FROM ${quoteTable(spec.table)}${where}`
}

/** The names of what a row is told apart by, as they stand in SQL. */
export function keyNames(rowKey: RowKey): string[] {
  if (rowKey.kind === 'columns') return rowKey.columns.map(quoteName)
  // A place is one of a table, of which a partitioned one has several.
  return rowKey.kind === 'place' ? ['tableoid', 'ctid'] : []
}

/** On lines of its own, since it may end in a comment. */
const matching = ({ filters, where }: Pick<PageSpec, 'filters' | 'where'>): string[] => [
  ...filters.map(renderFilter),
  ...(where.trim() === '' ? [] : [`(\n${where}\n)`]),
]

/** Whole where the next page has to be found by it. */
function cell({ name, is_long }: TableColumn, { rowKey, sort }: PageSpec): string {
  const isKey = rowKey.kind === 'columns' && rowKey.columns.includes(name)
  const column = quoteName(name)
  if (!is_long || isKey || sort?.column.name === name) return column
  return `left(${column}::text, ${cellLength + 1}) AS ${column}`
}

/** NULLs stand where PostgreSQL puts them by itself, so that an index can be used: highest of all. */
function orderBy(key: readonly string[], sort: Sort | undefined): string[] {
  if (sort === undefined) return [...key]
  const name = quoteName(sort.column.name)
  return [`${name}${sort.descending ? ' DESC' : ''}`, ...key.filter((one) => one !== name)]
}

function comesAfter(key: readonly string[], sort: Sort | undefined, after: After): string {
  if (sort === undefined) return tupleAfter(key, after.key)
  const name = quoteName(sort.column.name)
  const rest = key.map((one, at) => [one, after.key[at] ?? null] as const)
  const others = rest.filter(([one]) => one !== name)
  const ofSame = (same: string): string[] =>
    others.length === 0
      ? []
      : [
          `(${same} AND ${tupleAfter(
            others.map(([one]) => one),
            others.map(([, one]) => one),
          )})`,
        ]
  const { descending, column } = sort
  if (after.sort === null) {
    const alternatives = [
      ...(descending ? [`${name} IS NOT NULL`] : []),
      ...ofSame(`${name} IS NULL`),
    ]
    return `(${alternatives.join(' OR ')})`
  }
  const value = quoteValue(after.sort)
  const alternatives = [
    `${name} ${descending ? '<' : '>'} ${value}`,
    ...ofSame(`${name} = ${value}`),
    ...(descending || column.not_null ? [] : [`${name} IS NULL`]),
  ]
  return `(${alternatives.join(' OR ')})`
}

function tupleAfter(names: readonly string[], values: readonly (string | null)[]): string {
  const [name, value] = [names.join(', '), values.map(quoteValue).join(', ')]
  return names.length === 1 ? `${name} > ${value}` : `(${name}) > (${value})`
}

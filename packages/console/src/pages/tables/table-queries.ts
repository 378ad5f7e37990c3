import {
  type InfiniteData,
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query'

import { runJson, runSql, type SqlPlace } from '../../api/run-sql.ts'
import { detailsSql, type Relation, relationsSql, type TableDetails } from '../../sql/catalog.ts'
import type { Filter } from '../../sql/filters.ts'
import { quoteName, quoteTable, type TableName } from '../../sql/quote.ts'
import {
  type After,
  countRows,
  keyNames,
  type RowKey,
  selectRows,
  type Sort,
} from '../../sql/select-rows.ts'
import { renderKey, type RowVersion, type Values } from '../../sql/transaction.ts'

/** So many rows are read at a time. */
const pageSize = 100
/** Reading is given up after so long: a condition without an index may take for ever. */
const timeoutSeconds = 60

/**
 * What the page has read of a database. Nothing of it is read anew by itself, since a reading wakes the
 * compute: the button that refreshes does, and a transaction.
 */
export const placeKey = ({ projectId, branchId, database, role, at }: SqlPlace) =>
  ['tables', projectId, branchId, database, role, at ?? null] as const

/** Pages that are read anew at once; who has gone further down begins there again. */
const pagesKept = 10

/** Reads anew what is shown. */
export async function refresh(client: QueryClient, place: SqlPlace): Promise<void> {
  client.setQueriesData<InfiniteData<RowsPage>>(
    { queryKey: [...placeKey(place), 'rows'] },
    (data) =>
      data && {
        pages: data.pages.slice(0, pagesKept),
        pageParams: data.pageParams.slice(0, pagesKept),
      },
  )
  await client.invalidateQueries({ queryKey: placeKey(place) })
}

const untilAsked = { staleTime: Infinity, refetchOnReconnect: false } as const

export const relationsQuery = (place: SqlPlace) =>
  queryOptions({
    queryKey: [...placeKey(place), 'relations'],
    queryFn: async ({ signal }) => runJson<Relation>(place, relationsSql, signal),
    ...untilAsked,
  })

/** Null where there is no such table. */
export async function readDetails(
  place: SqlPlace,
  table: TableName,
  signal?: AbortSignal,
): Promise<TableDetails | null> {
  const [details] = await runJson<TableDetails>(place, detailsSql(table), signal)
  return details ?? null
}

export const detailsQuery = (place: SqlPlace, table: TableName) =>
  queryOptions({
    queryKey: [...placeKey(place), 'details', table.schema, table.name],
    queryFn: async ({ signal }) => readDetails(place, table, signal),
    ...untilAsked,
  })

/** A row as it was read. */
export interface TableRow {
  id: string
  /** Undefined where it cannot be told apart well enough to be changed. */
  version: RowVersion | undefined
  /** By column; a long one is cut (`cellLength`). */
  values: Values
}

export interface RowsSpec {
  details: TableDetails
  /** Those to be shown. */
  columns: TableDetails['columns']
  sort: Sort | undefined
  filters: readonly Filter[]
  where: string
}

interface RowsPage {
  rows: TableRow[]
  next: After | undefined
}

const rowKeyOf = ({ key, kind }: TableDetails): RowKey => {
  if (key !== null) return { kind: 'columns', columns: key }
  return kind === 'v' || kind === 'f' ? { kind: 'none' } : { kind: 'place' }
}

/** Tables have versions of rows; views and foreign tables have none. */
const hasVersions = ({ key, kind }: TableDetails): boolean =>
  key !== null && (kind === 'r' || kind === 'p')

export const rowsQuery = (place: SqlPlace, spec: RowsSpec) => {
  const { details, columns, sort, filters, where } = spec
  const shape = [
    columns.map(({ name }) => name),
    sort?.column.name,
    sort?.descending,
    filters,
    where,
  ]
  return infiniteQueryOptions({
    queryKey: [...placeKey(place), 'rows', details.schema, details.name, shape],
    queryFn: async ({ pageParam, signal }) => readPage(place, spec, pageParam, signal),
    initialPageParam: undefined as After | undefined,
    getNextPageParam: ({ next }: RowsPage) => next,
    ...untilAsked,
  })
}

async function readPage(
  place: SqlPlace,
  spec: RowsSpec,
  after: After | undefined,
  signal: AbortSignal,
): Promise<RowsPage> {
  const { details, columns, sort, filters, where } = spec
  const rowKey = rowKeyOf(details)
  const withVersion = hasVersions(details)
  const sql = selectRows({
    table: details,
    rowKey,
    withVersion,
    columns,
    sort,
    filters,
    where,
    after,
    // One more says whether there are more.
    limit: pageSize + 1,
  })
  const [result] = await runSql(place, sql, { readOnly: true, timeoutSeconds, signal })
  const found = result?.rows ?? []
  const keyLength = keyNames(rowKey).length
  const sortAt = keyLength + (withVersion ? 1 : 0)
  const firstAt = sortAt + (sort ? 1 : 0)
  const offset = after?.offset ?? 0
  const rows = found.slice(0, pageSize)
  const last = rows.at(-1)
  const next =
    last && found.length > pageSize
      ? {
          key: last.slice(0, keyLength),
          sort: sort ? (last[sortAt] ?? null) : null,
          offset: offset + pageSize,
        }
      : undefined
  return {
    rows: rows.map((row, at) => {
      const key = row.slice(0, keyLength)
      const id = JSON.stringify(keyLength > 0 ? key : [offset + at])
      const values = columns.map(({ name }, column) => [name, row[firstAt + column] ?? null])
      const version = withVersion ? versionOf(details.key, key, row[keyLength]) : undefined
      return { id, version, values: Object.fromEntries(values) as Values }
    }),
    next,
  }
}

function versionOf(
  columns: readonly string[] | null,
  key: readonly (string | null)[],
  xmin: string | null | undefined,
): RowVersion | undefined {
  if (columns === null || !xmin) return undefined
  return { key: Object.fromEntries(columns.map((name, at) => [name, key[at] ?? ''])), xmin }
}

export const countQuery = (place: SqlPlace, spec: RowsSpec) => {
  const { details, filters, where } = spec
  return queryOptions({
    queryKey: [...placeKey(place), 'count', details.schema, details.name, filters, where],
    queryFn: async ({ signal }) => {
      const sql = countRows({ table: details, filters, where })
      const [result] = await runSql(place, sql, { readOnly: true, timeoutSeconds, signal })
      return Number(result?.rows[0]?.[0])
    },
    ...untilAsked,
  })
}

/** One row with all of its values, as it is at present. */
export interface WholeRow {
  version: RowVersion | undefined
  values: Values
}

/** Null where it is gone. */
export const wholeRowQuery = (place: SqlPlace, details: TableDetails, key: RowVersion['key']) =>
  queryOptions({
    queryKey: [...placeKey(place), 'row', details.schema, details.name, key],
    queryFn: async ({ signal }) => readWholeRow(place, details, key, signal),
    ...untilAsked,
  })

export async function readWholeRow(
  place: SqlPlace,
  details: TableDetails,
  key: RowVersion['key'],
  signal?: AbortSignal,
): Promise<WholeRow | null> {
  const names = details.columns.map(({ name }) => name)
  const withVersion = hasVersions(details)
  const list = [withVersion ? 'xmin' : 'NULL', ...names.map(quoteName)].join(', ')
  const sql = `SELECT ${list}\nFROM ${quoteTable(details)}\nWHERE ${renderKey(key)}\nLIMIT 1`
  const [result] = await runSql(place, sql, { readOnly: true, timeoutSeconds, signal })
  const row = result?.rows[0]
  if (row === undefined) return null
  const [xmin, ...rest] = row
  const values = Object.fromEntries(names.map((name, at) => [name, rest[at] ?? null]))
  return { version: xmin ? { key, xmin } : undefined, values }
}

/** Which rows of a query differ then and now. */
export type Row = readonly (string | null)[]

export interface ResultColumn {
  name: string
  type: string
  /** 0 where it is of no table. */
  table_id: number
  column_number: number
}

export interface Result {
  columns: readonly ResultColumn[]
  rows: readonly Row[]
}

/** A table's primary key, by its OID: the numbers of its columns. */
export type PrimaryKeys = ReadonlyMap<number, readonly number[]>

export type RowMark = 'same' | 'changed' | 'gone' | 'new'

export interface MarkedRow {
  values: Row
  mark: RowMark
  /** The columns that differ, of a row that has changed. */
  changed: ReadonlySet<number>
}

export interface Comparison {
  past: MarkedRow[]
  present: MarkedRow[]
  /** The columns that rows were known by; none where whole rows were compared. */
  key: string[]
  counts: Record<RowMark, number>
}

/**
 * Rows with the same key are the same row, whatever else they say. Without a key that both results have,
 * whole rows are compared: then nothing has changed, but something is gone and something new.
 */
export function compareRows(past: Result, present: Result, keys: PrimaryKeys): Comparison {
  const key = commonKey(past, present, keys)
  const thenBy = indexRows(past.rows, key)
  const nowBy = indexRows(present.rows, key)
  const counts: Record<RowMark, number> = { same: 0, changed: 0, gone: 0, new: 0 }
  const markAll = (rows: readonly Row[], others: Indexed, missing: RowMark): MarkedRow[] => {
    const seen = new Map<string, number>()
    return rows.map((values) => {
      const name = nameOf(values, key)
      const nth = seen.get(name) ?? 0
      seen.set(name, nth + 1)
      const other = others.get(name)?.[nth]
      if (other === undefined) return { values, mark: missing, changed: new Set() }
      const changed = new Set(values.flatMap((value, at) => (value === other[at] ? [] : [at])))
      return { values, mark: changed.size === 0 ? 'same' : 'changed', changed }
    })
  }
  const comparison = {
    past: markAll(past.rows, nowBy, 'gone'),
    present: markAll(present.rows, thenBy, 'new'),
    key: (key ?? []).map((at) => present.columns[at]?.name ?? ''),
    counts,
  }
  for (const { mark } of comparison.present) counts[mark] += 1
  counts.gone = comparison.past.filter(({ mark }) => mark === 'gone').length
  return comparison
}

type Indexed = ReadonlyMap<string, readonly Row[]>

function indexRows(rows: readonly Row[], key: readonly number[] | undefined): Indexed {
  const index = new Map<string, Row[]>()
  for (const row of rows) {
    const name = nameOf(row, key)
    const same = index.get(name)
    if (same) same.push(row)
    else index.set(name, [row])
  }
  return index
}

const nameOf = (row: Row, key: readonly number[] | undefined): string =>
  JSON.stringify(key === undefined ? row : key.map((at) => row[at]))

/**
 * Where the columns are the same then and now, the primary keys of all tables that the result is of:
 * only together do they name a row of a join.
 */
function commonKey(past: Result, present: Result, keys: PrimaryKeys): number[] | undefined {
  const shapes = [past, present].map(({ columns }) =>
    JSON.stringify(columns.map(({ name }) => name)),
  )
  if (shapes[0] !== shapes[1]) return undefined
  const tables = new Set(present.columns.map(({ table_id }) => table_id).filter((id) => id !== 0))
  const places: number[] = []
  for (const table of tables) {
    const key = keys.get(table) ?? []
    if (key.length === 0) return undefined
    for (const number of key) {
      const at = present.columns.findIndex(
        (column) => column.table_id === table && column.column_number === number,
      )
      if (at === -1) return undefined
      places.push(at)
    }
  }
  return places.length === 0 ? undefined : places
}

/** A column of rows whose values are texts, as PostgreSQL writes them. */
export interface GridColumn {
  name: string
  /** As PostgreSQL writes it: `integer`, `character varying`, `text[]`. */
  type: string
}

/**
 * Rows for a grid: any number of them, read cell by cell, so that they may be kept in whatever way is
 * small. They may become more while they are shown.
 */
export interface GridSource {
  readonly columns: readonly GridColumn[]
  readonly rowCount: number
  /** Null is NULL. */
  cell(row: number, column: number): string | null
  /** For `useSyncExternalStore`: calls back, not too often, when there is more. */
  readonly subscribe: (onChange: () => void) => () => void
  /** Another number after each change. */
  readonly version: () => number
}

/** A source of rows that stay as they are. */
export function fixedSource(
  columns: readonly GridColumn[],
  rows: ReadonlyArray<ReadonlyArray<string | null>>,
): GridSource {
  return {
    columns,
    rowCount: rows.length,
    cell: (row, column) => rows[row]?.[column] ?? null,
    subscribe: () => () => undefined,
    version: () => 0,
  }
}

const numericTypes = new Set([
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'real',
  'double precision',
  'money',
  'oid',
])

/** Of `numeric(10,2)` that is `numeric`. */
const baseOf = (type: string): string => type.replace(/\(.*\)/, '')

/** Whether values stand to the right, so that they can be compared. */
export const isNumeric = (type: string): boolean => numericTypes.has(baseOf(type))
export const isJson = (type: string): boolean => type === 'json' || type === 'jsonb'

import type { TableColumn } from '../../sql/catalog.ts'
import type { TableName } from '../../sql/quote.ts'
import type { Change, RowVersion } from '../../sql/transaction.ts'
import { changeOf, insertsOf, type Pending } from './pending.ts'
import type { TableRow } from './table-queries.ts'

/** A row as the grid shows it: what was read, with what is to become of it. */
export interface GridRow {
  id: string
  /** Whether it is to be added. */
  isNew: boolean
  version: RowVersion | undefined
  /** Undefined is the default of the column. */
  values: Readonly<Record<string, string | null | undefined>>
  /** What was read. */
  read: TableRow['values']
  change: Change | undefined
}

export interface CellPlace {
  row: GridRow
  column: TableColumn
}

/** Rows that are to be added, then those that were read. */
export const gridRows = (
  table: TableName,
  rows: readonly TableRow[],
  pending: Pending,
): GridRow[] => [
  ...insertsOf(pending, table).map((change) => newRow(change)),
  ...rows.map(({ id, version, values }) => {
    const change = changeOf(pending, table, version)
    const edited = change?.kind === 'update' ? { ...values, ...change.values } : values
    return { id, isNew: false, version, values: edited, read: values, change }
  }),
]

const newRow = (change: Change): GridRow => ({
  id: change.id,
  isNew: true,
  version: undefined,
  values: change.kind === 'insert' ? change.values : {},
  read: {},
  change,
})

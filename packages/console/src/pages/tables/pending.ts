import type { TableName } from '../../sql/quote.ts'
import type { Change, RowVersion, Values } from '../../sql/transaction.ts'

/** Changes that have been made on the page and nowhere else yet, in the order in which they began. */
export type Pending = readonly Change[]

const isSameTable = (a: TableName, b: TableName): boolean =>
  a.schema === b.schema && a.name === b.name

/** The same row of the same table has the same one. */
const rowId = ({ schema, name }: TableName, { key }: RowVersion): string =>
  JSON.stringify([schema, name, Object.entries(key)])

/** What is to become of a row; undefined where nothing is. */
export const changeOf = (
  pending: Pending,
  table: TableName,
  row: RowVersion | undefined,
): Change | undefined => row && pending.find(({ id }) => id === rowId(table, row))

/** Rows to be added to a table, the newest first. */
export const insertsOf = (pending: Pending, table: TableName): Change[] =>
  pending
    .filter((change) => change.kind === 'insert' && isSameTable(change.table, table))
    .toReversed()

interface CellEdit {
  table: TableName
  row: RowVersion
  column: string
  /** All of what it is now. */
  before: string | null
  value: string | null
}

/** A value of a row is to be another one. What is as it was is no change. */
export function editCell(pending: Pending, edit: CellEdit): Pending {
  const { table, row, column, before, value } = edit
  const id = rowId(table, row)
  const found = pending.find((change) => change.id === id)
  if (found && found.kind !== 'update') return pending
  const was = found ?? { before: {}, values: {} }
  const old: Values = { [column]: before, ...was.before }
  const values: Values = { ...was.values, [column]: value }
  const isAsBefore = old[column] === value
  const next: Change = {
    id,
    kind: 'update',
    table,
    // It may have been taken to the row as it is at present.
    row: found?.row ?? row,
    before: isAsBefore ? without(old, column) : old,
    values: isAsBefore ? without(values, column) : values,
  }
  if (Object.keys(next.values).length === 0) return undo(pending, id)
  return found ? pending.map((one) => (one === found ? next : one)) : [...pending, next]
}

/** A new row; columns that are not named get their defaults. */
export function addRow(pending: Pending, table: TableName, values: Values): Pending {
  const numbers = pending.map(({ id }) => Number(/^new (\d+)$/.exec(id)?.[1] ?? 0))
  const id = `new ${Math.max(0, ...numbers) + 1}`
  return [...pending, { id, kind: 'insert', table, values }]
}

/** A value of a row that is to be added; undefined is the column's default. */
export const editNewRow = (
  pending: Pending,
  id: string,
  column: string,
  value: string | null | undefined,
): Pending =>
  pending.map((change) => {
    if (change.id !== id || change.kind !== 'insert') return change
    const values =
      value === undefined ? without(change.values, column) : { ...change.values, [column]: value }
    return { ...change, values }
  })

/** A row is to be deleted, whatever else was to become of it. */
export function deleteRow(
  pending: Pending,
  table: TableName,
  row: RowVersion,
  before: Values,
): Pending {
  const id = rowId(table, row)
  return [...undo(pending, id), { id, kind: 'delete', table, row, before }]
}

export const undo = (pending: Pending, id: string): Pending =>
  pending.filter((change) => change.id !== id)

/** The change is to be made of the row as it is at present. */
export const takePresent = (
  pending: Pending,
  id: string,
  present: { row: RowVersion; values: Values },
): Pending =>
  pending.map((change) => {
    if (change.id !== id || change.kind === 'insert') return change
    const before = Object.fromEntries(
      Object.keys(change.before).map((name) => [name, present.values[name] ?? null]),
    )
    return { ...change, row: present.row, before }
  })

const without = (values: Values, column: string): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== column))

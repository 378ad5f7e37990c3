import { notifications } from '@mantine/notifications'
import { useState } from 'react'

import type { SqlPlace } from '../../api/run-sql.ts'
import { describeFailure } from '../../api/use-action.ts'
import type { TableColumn, TableDetails } from '../../sql/catalog.ts'
import type { Values } from '../../sql/transaction.ts'
import { editorOf, fixedReason, isCut } from './cells.ts'
import type { CellPlace, GridRow } from './grid-rows.ts'
import { addRow, deleteRow, editCell, editNewRow, type Pending, undo } from './pending.ts'
import { readWholeRow } from './table-queries.ts'

/** A cell that is being edited, with its whole value. */
interface Editing extends CellPlace {
  value: string | null | undefined
  draft?: string
  isLarge: boolean
}

interface RowEditsOptions {
  place: SqlPlace
  details: TableDetails
  onPending: (change: (pending: Pending) => Pending) => void
  canUpdate: boolean
  canInsert: boolean
}

interface RowEdits {
  editing: Editing | undefined
  begin: (cell: CellPlace) => Promise<void>
  /** To go on in a field of many lines. */
  enlarge: (cell: CellPlace, draft: string) => void
  commit: (cell: CellPlace, value: string | null | undefined) => void
  cancel: () => void
  add: (values: Values) => void
  duplicate: (row: GridRow) => Promise<void>
  remove: (row: GridRow) => void
}

/** What is done with rows on the page; all of it waits in `Pending`. */
export function useRowEdits(options: RowEditsOptions): RowEdits {
  const { place, details, onPending, canUpdate, canInsert } = options
  const [editing, setEditing] = useState<Editing>()
  const add = (values: Values): void => onPending((all) => addRow(all, nameOf(details), values))
  const wholeValues = async (row: GridRow): Promise<Values | undefined> => {
    if (row.version === undefined) return undefined
    try {
      const whole = await readWholeRow(place, details, row.version.key)
      if (whole?.version?.xmin === row.version.xmin) return { ...whole.values, ...changed(row) }
      tell('Somebody has changed this row since you read it. Refresh to see it as it is.')
    } catch (error) {
      tell(describeFailure(error))
    }
    return undefined
  }
  const begin = async ({ row, column }: CellPlace): Promise<void> => {
    const fixed = fixedReason(column)
    if (row.change?.kind === 'delete' || !(row.isNew ? canInsert : canUpdate && row.version)) return
    if (fixed !== undefined) return tell(`PostgreSQL gives ${column.name} its value: ${fixed}.`)
    const shown = row.values[column.name]
    let value = shown
    if (shown !== undefined && isCut(column, shown) && !Object.hasOwn(changed(row), column.name)) {
      const values = await wholeValues(row)
      if (values === undefined) return
      value = values[column.name]
    }
    setEditing({ row, column, value, isLarge: editorOf(column, value ?? null) === 'long' })
  }
  const commit = ({ row, column }: CellPlace, value: string | null | undefined): void => {
    const before = editing?.value
    setEditing(undefined)
    if (value === before) return
    onPending((all) => {
      if (row.isNew) return editNewRow(all, row.id, column.name, value)
      if (row.version === undefined || value === undefined) return all
      const isEdited = Object.hasOwn(changed(row), column.name)
      // Of a value that is cut in the grid, the editor has had the whole.
      const old = isEdited ? row.read[column.name] : before
      const cell = { table: nameOf(details), row: row.version, column: column.name }
      return editCell(all, { ...cell, before: old ?? null, value })
    })
  }
  const duplicate = async (row: GridRow): Promise<void> => {
    const values = row.isNew ? changed(row) : await wholeValues(row)
    if (values === undefined) return
    const kept = details.columns.filter((column) => !isGiven(column, details.key))
    const copy = kept.flatMap(({ name }) => {
      const value = values[name]
      return value === undefined ? [] : [[name, value] as const]
    })
    add(Object.fromEntries(copy))
  }
  const remove = (row: GridRow): void =>
    onPending((all) => {
      if (row.isNew) return undo(all, row.id)
      return row.version ? deleteRow(all, nameOf(details), row.version, row.read) : all
    })
  return {
    editing,
    begin,
    enlarge: (cell, draft) => setEditing({ ...cell, value: editing?.value, draft, isLarge: true }),
    commit,
    cancel: () => setEditing(undefined),
    add,
    duplicate,
    remove,
  }
}

const nameOf = ({ schema, name }: TableDetails) => ({ schema, name })

const tell = (message: string): void =>
  void notifications.show({ title: 'This cannot be edited', message, color: 'yellow' })

/** Values that are not written yet. */
const changed = ({ change }: GridRow): Values =>
  change === undefined || change.kind === 'delete' ? {} : change.values

/** Whether a copy gets another value by itself. */
function isGiven(column: TableColumn, key: readonly string[] | null): boolean {
  if (fixedReason(column) !== undefined) return true
  const hasDefault = column.default !== null || column.identity !== ''
  return hasDefault && (key?.includes(column.name) ?? false)
}

import type { ReactNode } from 'react'

import type { TableColumn } from '../../sql/catalog.ts'
import { cellText, isCode } from './cells.ts'

import classes from './row-grid.module.css'

interface CellValueProps {
  column: TableColumn
  /** Undefined in a row that is to be added: the column gets its default. */
  value: string | null | undefined
}

/** A value on one line. What is not there and what is empty say so, since neither looks like anything. */
export function CellValue({ column, value }: CellValueProps): ReactNode {
  if (value === undefined) return <Nothing>{defaultOf(column)}</Nothing>
  if (value === null) return <Nothing>NULL</Nothing>
  if (value === '') return <Nothing>empty</Nothing>
  const className = [classes['value'], isCode(column) ? classes['code'] : ''].join(' ')
  return <span className={className}>{cellText(column, value)}</span>
}

function Nothing({ children }: { children: string }): ReactNode {
  return <span className={`${classes['value']} ${classes['nothing']}`}>{children}</span>
}

function defaultOf(column: TableColumn): string {
  if (column.generated !== null) return 'generated'
  if (column.identity !== '') return 'next number'
  return column.default === null ? 'NULL' : 'default'
}

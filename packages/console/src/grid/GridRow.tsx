import { memo, type ReactNode } from 'react'

import type { ColumnLayout } from './column-widths.ts'
import { type GridSource, isNumeric } from './grid-source.ts'

import classes from './result-grid.module.css'

interface GridRowProps {
  /** Of the grid; cells are `<id>-<row>-<column>`. */
  id: string
  source: GridSource
  /** Makes it be drawn anew when the source has changed. */
  version: number
  row: number
  top: number
  height: number
  gutter: number
  layout: ColumnLayout
  firstColumn: number
  lastColumn: number
  /** Columns of the selection in this row, -1 without any. */
  selectedFrom: number
  selectedTo: number
  activeColumn: number
  cellClass: ((row: number, column: number) => string | undefined) | undefined
}

/** More of a value than a cell can show is not given to the browser. */
const shownMax = 300

/** The part of a row that is in sight. Rows that stay as they were are not drawn again. */
export const GridRow = memo(function GridRow(props: GridRowProps): ReactNode {
  const { row, top, height, gutter, layout, firstColumn, lastColumn } = props
  const cells: ReactNode[] = []
  for (let column = firstColumn; column <= lastColumn; column += 1) {
    cells.push(<Cell key={column} {...props} column={column} />)
  }
  return (
    <div
      role="row"
      aria-rowindex={row + 2}
      className={classes['row']}
      style={{ height, width: gutter + layout.width, transform: `translateY(${top}px)` }}
    >
      <div
        role="rowheader"
        className={classes['gutter']}
        style={{ width: gutter }}
        data-row={row}
        data-column={-1}
      >
        {row + 1}
      </div>
      {cells}
    </div>
  )
})

function Cell(props: GridRowProps & { column: number }): ReactNode {
  const { id, source, row, column, gutter, layout, selectedFrom, selectedTo, cellClass } = props
  const value = source.cell(row, column)
  const left = layout.lefts[column] ?? 0
  const isSelected = column >= selectedFrom && column <= selectedTo
  return (
    <div
      role="gridcell"
      id={`${id}-${row}-${column}`}
      aria-colindex={column + 1}
      aria-selected={isSelected}
      className={[classes['cell'], cellClass?.(row, column)].join(' ')}
      data-row={row}
      data-column={column}
      data-align={isNumeric(source.columns[column]?.type ?? '') ? 'right' : undefined}
      data-selected={isSelected || undefined}
      data-active={column === props.activeColumn || undefined}
      style={{ left: gutter + left, width: (layout.lefts[column + 1] ?? left) - left }}
    >
      {value === null ? <span className={classes['null']}>NULL</span> : shorten(value)}
    </div>
  )
}

/** On one line. An empty text is an empty cell, which NULL is not. */
const shorten = (value: string): string =>
  (value.length > shownMax ? `${value.slice(0, shownMax)}…` : value).replaceAll('\n', '↵')

import { Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useRef } from 'react'

import classes from './data-table.module.css'

export interface Column<Row> {
  title: string
  /** A share of the width as CSS has it: `2fr`, `120px`, `minmax(140px, 1fr)`. */
  width: string
  cell: (row: Row) => ReactNode
  align?: 'right'
  /** Not on a phone, where it would be the least missed. */
  wideOnly?: boolean
}

interface DataTableProps<Row> {
  /** What the table holds, for who hears it. */
  label: string
  rows: readonly Row[]
  rowKey: (row: Row) => string
  columns: readonly Column<Row>[]
  /** Rows are that high, so that a hundred thousand of them cost as much as those on the screen. */
  rowHeight?: number
  maxHeight?: number
}

/** A table of any length: only the rows that can be seen are drawn. */
export function DataTable<Row>({
  label,
  rows,
  rowKey,
  columns,
  rowHeight = 48,
  maxHeight = 640,
}: DataTableProps<Row>): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  })
  const template = columns.map(({ width }) => width).join(' ')
  const wideTemplate = columns
    .filter(({ wideOnly }) => !wideOnly)
    .map(({ width }) => width)
    .join(' ')
  const style = { '--columns': template, '--columns-narrow': wideTemplate } as React.CSSProperties
  const classOf = ({ align, wideOnly }: Column<Row>): string =>
    [
      classes['cell'],
      align === 'right' ? classes['right'] : '',
      wideOnly ? classes['wideOnly'] : '',
    ].join(' ')
  return (
    <div
      ref={scroller}
      className={classes['scroller']}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      // What scrolls has to be reachable by the keyboard.
      tabIndex={0}
      style={{ ...style, maxHeight }}
    >
      <div role="rowgroup" className={classes['head']}>
        <div role="row" className={classes['row']} aria-rowindex={1}>
          {columns.map((column) => (
            <Text key={column.title} role="columnheader" className={classOf(column)} size="xs">
              {column.title}
            </Text>
          ))}
        </div>
      </div>
      <div
        role="rowgroup"
        className={classes['body']}
        style={{ height: virtualizer.getTotalSize() }}
      >
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const row = rows[index]
          if (row === undefined) return null
          return (
            <div
              key={rowKey(row)}
              role="row"
              aria-rowindex={index + 2}
              className={`${classes['row']} ${classes['bodyRow']}`}
              style={{ height: rowHeight, transform: `translateY(${start}px)` }}
            >
              {columns.map((column) => (
                <div key={column.title} role="cell" className={classOf(column)}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}

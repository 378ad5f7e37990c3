import { Loader } from '@mantine/core'
import {
  IconArrowDown,
  IconArrowUp,
  IconArrowUpRight,
  IconKey,
  IconLock,
} from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { Link } from 'react-router'

import type { TableColumn } from '../../sql/catalog.ts'
import { CellEditor } from './CellEditor.tsx'
import { columnWidth, fixedReason, isNumber } from './cells.ts'
import { CellValue } from './CellValue.tsx'
import type { CellPlace, GridRow } from './grid-rows.ts'

import classes from './row-grid.module.css'

const rowHeight = 34
const leadWidth = 44
/** Rows before the end at which more are read. */
const readAhead = 30

interface RowGridProps {
  label: string
  rows: readonly GridRow[]
  columns: readonly TableColumn[]
  keyColumns: readonly string[]
  sort: { column: string; descending: boolean } | undefined
  onSort: (column: TableColumn) => void
  isLoadingMore: boolean
  /** The end is near. */
  onEnd: () => void
  canEdit: boolean
  /** Which cell is being edited. */
  editing: CellPlace | undefined
  onEdit: (place: CellPlace) => void
  onCommit: (place: CellPlace, value: string | null | undefined) => void
  onCancel: () => void
  onEnlarge: (place: CellPlace, draft: string) => void
  onOpen: (row: GridRow) => void
  /** Where the row is that a foreign key of this cell points at. */
  linkOf: (place: CellPlace) => { to: string; title: string } | undefined
  /** At the beginning of a row. */
  lead: (row: GridRow) => ReactNode
}

/**
 * Rows of a table, of which only those in sight are drawn. Arrow keys go from cell to cell, Enter edits
 * one, space opens its row.
 */
export function RowGrid(props: RowGridProps): ReactNode {
  const { rows, columns, onEnd } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState({ row: 0, column: 0 })
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  })
  const items = virtualizer.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? 0
  const isNearEnd = lastShown >= rows.length - readAhead
  useEffect(() => {
    if (isNearEnd) onEnd()
  }, [isNearEnd, rows.length, onEnd])
  const style = useGridStyle(columns, rows)

  const focus = (row: number, column: number): void => {
    const next = {
      row: Math.max(0, Math.min(rows.length - 1, row)),
      column: Math.max(0, Math.min(columns.length - 1, column)),
    }
    setActive(next)
    virtualizer.scrollToIndex(next.row)
    // The row may only be drawn after the scroll.
    requestAnimationFrame(() => focusCell(scroller.current, next))
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement) || event.target.dataset['cell'] === undefined) return
    const { row, column } = active
    const [gridRow, tableColumn] = [rows[row], columns[column]]
    const moves: Record<string, () => void> = {
      ArrowDown: () => focus(row + 1, column),
      ArrowUp: () => focus(row - 1, column),
      ArrowRight: () => focus(row, column + 1),
      ArrowLeft: () => focus(row, column - 1),
      Home: () => focus(event.ctrlKey ? 0 : row, 0),
      End: () => focus(event.ctrlKey ? rows.length - 1 : row, columns.length - 1),
      PageDown: () => focus(row + 12, column),
      PageUp: () => focus(row - 12, column),
      Enter: () => gridRow && tableColumn && props.onEdit({ row: gridRow, column: tableColumn }),
      F2: () => gridRow && tableColumn && props.onEdit({ row: gridRow, column: tableColumn }),
      ' ': () => gridRow && props.onOpen(gridRow),
    }
    const move = moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    move()
  }
  const refocus = (): void => void requestAnimationFrame(() => focusCell(scroller.current, active))
  return (
    <div
      ref={scroller}
      className={classes['scroller']}
      role="grid"
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length + 1}
      aria-readonly={!props.canEdit}
      tabIndex={-1}
      style={style}
      onKeyDown={onKeyDown}
    >
      <div className={classes['content']} role="presentation">
        <div role="rowgroup" className={classes['head']}>
          <div role="row" aria-rowindex={1} className={classes['row']}>
            <div role="columnheader" aria-label="Actions" className={classes['lead']} />
            {columns.map((column) => (
              <HeadCell key={column.name} column={column} {...props} />
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ position: 'relative', height: virtualizer.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <div
                key={row.id}
                role="row"
                aria-rowindex={index + 2}
                className={`${classes['row']} ${classes['bodyRow']}`}
                data-change={row.change?.kind}
                style={{ height: rowHeight, transform: `translateY(${start}px)` }}
              >
                <div role="gridcell" className={classes['lead']}>
                  {props.lead(row)}
                </div>
                {columns.map((column, at) => (
                  <Cell
                    key={column.name}
                    {...props}
                    row={row}
                    column={column}
                    place={`${index} ${at}`}
                    isActive={active.row === index && active.column === at}
                    onActive={() => setActive({ row: index, column: at })}
                    onEnd={refocus}
                  />
                ))}
              </div>
            )
          })}
        </div>
        {props.isLoadingMore && (
          <div className={classes['foot']}>
            <Loader size={18} aria-label="Loading more rows" />
          </div>
        )}
      </div>
    </div>
  )
}

function focusCell(scroller: HTMLElement | null, at: { row: number; column: number }): void {
  scroller?.querySelector<HTMLElement>(`[data-cell="${at.row} ${at.column}"]`)?.focus()
}

/** Widths are those of the first rows, so that columns do not move while more are read. */
function useGridStyle(columns: readonly TableColumn[], rows: readonly GridRow[]): CSSProperties {
  const sample = rows[0]?.id
  return useMemo(() => {
    const widths = columns.map((column) => columnWidth(column, rows))
    const total = widths.reduce((sum, width) => sum + width, leadWidth)
    return {
      '--grid-columns': `${leadWidth}px ${widths.map((width) => `minmax(${width}px, ${width}fr)`).join(' ')}`,
      '--grid-width': `${total}px`,
    } as CSSProperties
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the first row stands for all of them
  }, [columns, sample])
}

interface HeadCellProps extends Pick<RowGridProps, 'sort' | 'onSort' | 'keyColumns'> {
  column: TableColumn
}

function HeadCell({ column, sort, onSort, keyColumns }: HeadCellProps): ReactNode {
  const isSorted = sort?.column === column.name
  const direction = sort?.descending ? 'descending' : 'ascending'
  const Arrow = sort?.descending ? IconArrowDown : IconArrowUp
  return (
    <div
      role="columnheader"
      aria-sort={isSorted ? direction : 'none'}
      className={classes['headCellBox']}
      title={column.comment ?? undefined}
    >
      <button
        type="button"
        className={classes['headCell']}
        disabled={!column.is_sortable}
        onClick={() => onSort(column)}
      >
        <span className={classes['headNames']}>
          <span className={classes['columnName']}>
            {keyColumns.includes(column.name) && <IconKey size={13} aria-label="key" />}
            {fixedReason(column) !== undefined && <IconLock size={13} aria-label="generated" />}
            <span>{column.name}</span>
          </span>
          <span className={classes['columnType']}>{column.type}</span>
        </span>
        {isSorted && <Arrow size={14} aria-hidden />}
      </button>
    </div>
  )
}

interface CellProps extends RowGridProps {
  row: GridRow
  column: TableColumn
  place: string
  isActive: boolean
  onActive: () => void
  /** The editor has closed. */
  onEnd: () => void
}

function Cell(props: CellProps): ReactNode {
  const { row, column, editing, isActive, onEnd } = props
  const place = { row, column }
  const value = row.values[column.name]
  const isEditing = editing?.row.id === row.id && editing.column.name === column.name
  const isChanged = row.change?.kind === 'update' && Object.hasOwn(row.change.values, column.name)
  const link = props.linkOf(place)
  return (
    <div
      role="gridcell"
      className={classes['cell']}
      data-cell={props.place}
      data-number={isNumber(column) || undefined}
      data-changed={isChanged || undefined}
      tabIndex={isActive ? 0 : -1}
      onFocus={props.onActive}
      onDoubleClick={() => props.onEdit(place)}
    >
      <CellValue column={column} value={value} />
      {link && (
        <Link
          to={link.to}
          className={classes['link']}
          aria-label={link.title}
          title={link.title}
          tabIndex={-1}
          onDoubleClick={(event) => event.stopPropagation()}
        >
          <IconArrowUpRight size={14} />
        </Link>
      )}
      {isEditing && (
        <CellEditor
          column={column}
          value={value}
          isNew={row.isNew}
          onCommit={(next) => {
            props.onCommit(place, next)
            onEnd()
          }}
          onCancel={() => {
            props.onCancel()
            onEnd()
          }}
          onEnlarge={(draft) => props.onEnlarge(place, draft)}
        />
      )}
    </div>
  )
}

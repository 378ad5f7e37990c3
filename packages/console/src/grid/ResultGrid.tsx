import { notifications } from '@mantine/notifications'
import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'

import { columnsBetween, layOut, naturalWidths, smallestPx } from './column-widths.ts'
import { type GridColumn, type GridSource, isNumeric } from './grid-source.ts'
import { GridRow } from './GridRow.tsx'
import { copyText } from './rows-as-text.ts'
import { scrollScale } from './scroll-scale.ts'
import { type CellPlace, moveSelection, only, rectangleOf, type Selection } from './selection.ts'
import { useScrollView } from './use-scroll-view.ts'

import classes from './result-grid.module.css'

interface ResultGridProps {
  /** What the rows are, for who hears it. */
  label: string
  source: GridSource
  /** Enter or a double click on a cell. */
  onOpenCell?: (place: CellPlace) => void
  /** In the place of the column's name and type. */
  renderHead?: (column: GridColumn, index: number) => ReactNode
  /** A class for a cell that is special, such as one that has been changed. Memoize it. */
  cellClass?: (row: number, column: number) => string | undefined
}

const rowPx = 28
const headPx = 44
const gutterPx = 64
/** Rows above and below of what is seen: the browser scrolls before the script does. */
const overscan = 12
/** More would be a text that hardly any program takes. */
const copyCellsMax = 1_000_000

/**
 * Rows of any number, of which only what is in sight is drawn, in both directions. It fills its parent,
 * whose height has to be bounded. Cells are selected as in a spreadsheet and copied by Ctrl+C.
 */
export function ResultGrid(props: ResultGridProps): ReactNode {
  const { label, source, onOpenCell, renderHead, cellClass } = props
  const version = useSyncExternalStore(source.subscribe, source.version)
  const { columns, rowCount } = source
  const id = useId()
  const scroller = useRef<HTMLDivElement>(null)
  const view = useScrollView(scroller)
  const { widths, resize } = useColumnWidths(source)
  const layout = useMemo(() => layOut(widths), [widths])
  const [selection, setSelection] = useState<Selection>()
  const isDragging = useRef(false)

  const bodyHeight = Math.max(0, view.height - headPx)
  const scale = scrollScale(rowCount * rowPx, bodyHeight)
  const offset = scale.toOffset(view.top)
  const firstRow = Math.max(0, Math.floor(offset / rowPx) - overscan)
  const lastRow = Math.min(rowCount - 1, Math.ceil((offset + bodyHeight) / rowPx) + overscan)
  const [firstColumn, lastColumn] = columnsBetween(
    layout,
    view.left,
    view.left + view.width - gutterPx,
  )
  const selected = selection && rectangleOf(selection)
  const isScaled = scale.height < rowCount * rowPx
  useWheel(scroller, isScaled ? (delta) => scale.toScrollTop(offset + delta) : undefined)

  const reveal = ({ row, column }: CellPlace): void => {
    const element = scroller.current
    if (element === null) return
    const top = row * rowPx
    if (top < offset) element.scrollTop = scale.toScrollTop(top)
    else if (top + rowPx > offset + bodyHeight) {
      element.scrollTop = Math.ceil(scale.toScrollTop(top + rowPx - bodyHeight))
    }
    const [left = 0, right = 0] = layout.lefts.slice(column, column + 2)
    const room = view.width - gutterPx
    if (left < view.left) element.scrollLeft = left
    else if (right > view.left + room) element.scrollLeft = Math.min(left, right - room)
  }
  const copy = (): void => {
    if (selected === undefined) return
    const cells = (selected.bottom - selected.top + 1) * (selected.right - selected.left + 1)
    if (cells > copyCellsMax) {
      notifications.show({
        color: 'yellow',
        message: `${cells.toLocaleString()} cells are too many for the clipboard. Export them instead.`,
      })
      return
    }
    void navigator.clipboard.writeText(copyText(source, selected))
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const mod = event.ctrlKey || event.metaKey
    if (event.altKey && selection && event.key.startsWith('Arrow')) {
      const { column } = selection.head
      const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key]
      if (step !== undefined) resize(column, (widths[column] ?? 0) + step)
      event.preventDefault()
    } else if (mod && event.key.toLowerCase() === 'c') {
      if (selection === undefined) return
      copy()
      event.preventDefault()
    } else if (event.key === 'Enter' && selection) {
      onOpenCell?.(selection.head)
      event.preventDefault()
    } else {
      const extent = {
        rowCount,
        columnCount: columns.length,
        pageRows: Math.max(1, Math.floor(bodyHeight / rowPx) - 1),
      }
      const moved = moveSelection(
        selection,
        { key: event.key, shiftKey: event.shiftKey, mod },
        extent,
      )
      if (moved === undefined) return
      setSelection(moved)
      if (event.key.toLowerCase() !== 'a') reveal(moved.head)
      event.preventDefault()
    }
  }
  const placeAt = (event: PointerEvent): CellPlace | undefined => {
    const cell = (event.target as Element).closest<HTMLElement>('[data-column]')
    const row = Number(cell?.dataset['row'])
    const column = Number(cell?.dataset['column'])
    return cell === null || Number.isNaN(row) ? undefined : { row, column }
  }
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === 'touch') return
    const place = placeAt(event)
    if (place === undefined) return
    isDragging.current = true
    const lastOf = { row: place.row, column: columns.length - 1 }
    if (place.column < 0) setSelection({ anchor: lastOf, head: { row: place.row, column: 0 } })
    else if (event.shiftKey && selection) setSelection({ anchor: selection.anchor, head: place })
    else setSelection(only(place))
  }
  const onPointerMove = (event: PointerEvent): void => {
    if (!isDragging.current || event.buttons !== 1) return
    const place = placeAt(event)
    if (place === undefined || place.column < 0) return
    setSelection((before) => before && { anchor: before.anchor, head: place })
  }
  const onTap = (event: PointerEvent): void => {
    isDragging.current = false
    if (event.pointerType !== 'touch') return
    const place = placeAt(event)
    if (place && place.column >= 0) setSelection(only(place))
  }
  const openAt = (event: React.MouseEvent): void => {
    const place = placeAt(event as PointerEvent)
    if (place && place.column >= 0) onOpenCell?.(place)
  }
  const active = selection?.head
  const isActiveDrawn = active && active.row >= firstRow && active.row <= lastRow
  const width = gutterPx + layout.width
  const drawn = Array.from({ length: Math.max(0, lastRow - firstRow + 1) }, (_, n) => firstRow + n)
  return (
    <div
      ref={scroller}
      className={classes['scroller']}
      role="grid"
      aria-label={label}
      aria-rowcount={rowCount + 1}
      aria-colcount={columns.length}
      aria-multiselectable
      aria-activedescendant={isActiveDrawn ? `${id}-${active.row}-${active.column}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onTap}
      onDoubleClick={openAt}
    >
      <div role="rowgroup" className={classes['head']} style={{ width, height: headPx }}>
        <div role="row" aria-rowindex={1}>
          <div role="presentation" className={classes['corner']} style={{ width: gutterPx }} />
          {columns.slice(firstColumn, lastColumn + 1).map((column, n) => {
            const index = firstColumn + n
            return (
              <div
                key={index}
                role="columnheader"
                aria-colindex={index + 1}
                className={classes['headCell']}
                data-align={isNumeric(column.type) ? 'right' : undefined}
                style={{ left: gutterPx + (layout.lefts[index] ?? 0), width: widths[index] }}
              >
                {renderHead?.(column, index) ?? <ColumnHead column={column} />}
                <Sizer
                  width={widths[index] ?? 0}
                  onResize={(to) => resize(index, to)}
                  onReset={() => resize(index, undefined)}
                />
              </div>
            )
          })}
        </div>
      </div>
      <div role="rowgroup" className={classes['body']} style={{ width, height: scale.height }}>
        {drawn.map((row) => (
          <GridRow
            key={row}
            id={id}
            source={source}
            version={version}
            row={row}
            top={isScaled ? row * rowPx - offset + view.top : row * rowPx}
            height={rowPx}
            gutter={gutterPx}
            layout={layout}
            firstColumn={firstColumn}
            lastColumn={lastColumn}
            selectedFrom={isWithin(row, selected) ? selected.left : -1}
            selectedTo={isWithin(row, selected) ? selected.right : -1}
            activeColumn={active?.row === row ? active.column : -1}
            cellClass={cellClass}
          />
        ))}
      </div>
    </div>
  )
}

const isWithin = <R extends { top: number; bottom: number }>(
  row: number,
  selected: R | undefined,
): selected is R => selected !== undefined && row >= selected.top && row <= selected.bottom

function ColumnHead({ column }: { column: GridColumn }): ReactNode {
  return (
    <>
      <span className={classes['name']} title={column.name}>
        {column.name}
      </span>
      <span className={classes['type']}>{column.type}</span>
    </>
  )
}

interface SizerProps {
  width: number
  onResize: (width: number) => void
  onReset: () => void
}

/** The edge of a column's head, to be dragged. By the keyboard it is Alt and an arrow in the column. */
function Sizer({ width, onResize, onReset }: SizerProps): ReactNode {
  const from = useRef<number>(undefined)
  return (
    <div
      className={classes['sizer']}
      aria-hidden
      onPointerDown={(event) => {
        from.current = event.clientX - width
        event.currentTarget.setPointerCapture(event.pointerId)
        event.stopPropagation()
      }}
      onPointerMove={(event) => {
        if (from.current !== undefined) onResize(event.clientX - from.current)
      }}
      onPointerUp={() => (from.current = undefined)}
      onDoubleClick={onReset}
    />
  )
}

/** Widths as the first rows ask for, and as somebody has dragged them. */
function useColumnWidths(source: GridSource) {
  const hasRows = source.rowCount > 0
  // The first rows decide, and not those that come while somebody reads.
  const natural = useMemo(() => naturalWidths(source, hasRows), [source, hasRows])
  const [chosen, setChosen] = useState<ReadonlyMap<number, number>>(new Map())
  const widths = useMemo(
    () => natural.map((width, column) => chosen.get(column) ?? width),
    [natural, chosen],
  )
  const resize = (column: number, width: number | undefined): void =>
    setChosen((before) => {
      const next = new Map(before)
      if (width === undefined) next.delete(column)
      else next.set(column, Math.max(smallestPx, Math.round(width)))
      return next
    })
  return { widths, resize }
}

/** Where the scroll bar moves faster than rows should, a wheel moves rows by as much as it is turned. */
function useWheel(
  scroller: React.RefObject<HTMLDivElement | null>,
  moved: ((delta: number) => number) | undefined,
): void {
  const latest = useRef(moved)
  useEffect(() => {
    latest.current = moved
  })
  useEffect(() => {
    const element = scroller.current
    const onWheel = (event: WheelEvent): void => {
      if (latest.current === undefined || element === null || event.deltaY === 0) return
      if (event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL || event.ctrlKey) return
      event.preventDefault()
      element.scrollLeft += event.deltaX
      element.scrollTop = latest.current(event.deltaY)
    }
    // React's own listener could not keep the browser from scrolling.
    element?.addEventListener('wheel', onWheel, { passive: false })
    return () => element?.removeEventListener('wheel', onWheel)
  }, [scroller])
}

import { type KeyboardEvent, type PointerEvent, type ReactNode, useState } from 'react'

import { formatMoment } from '../ui/format.ts'
import { type Scales, type TimeChartProps } from './chart.ts'
import { useCursor, useSetCursor } from './cursor.tsx'
import { nearest } from './scales.ts'

import classes from './charts.module.css'

/** A drag that is shorter is a click. */
const dragPx = 6
/** The moment stands a little beside the middle. */
const labelShiftPx = 60
/** A mark is pointed at from so near. */
const markPx = 8

/** What follows the pointer and the keys: the moment, and the range that is being chosen. */
export function ChartOverlay(props: TimeChartProps & { width: number; scales: Scales }): ReactNode {
  const { title, timeline, width, scales, onZoom, marks = [] } = props
  const { range, times } = timeline
  const cursor = useCursor()
  const setCursor = useSetCursor()
  const [anchor, setAnchor] = useState<number>()
  /** Whether it is this chart, and not another, that is pointed at. */
  const [isPointed, setIsPointed] = useState(false)
  const index = cursor === undefined ? -1 : nearest(times, cursor)
  const shown = cursor === undefined ? undefined : (times[index] ?? cursor)

  const momentOf = (event: PointerEvent<HTMLElement>): number =>
    scales.at(event.clientX - event.currentTarget.getBoundingClientRect().left)
  const zoom = (fromMs: number, toMs: number): void => {
    setAnchor(undefined)
    if (fromMs === toMs) return
    onZoom({ fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) })
  }
  const drop = (fromMs: number, toMs: number): void => {
    if (Math.abs(scales.x(fromMs) - scales.x(toMs)) < dragPx) setAnchor(undefined)
    else zoom(fromMs, toMs)
  }
  const walk = (event: KeyboardEvent): void => {
    const from = index < 0 ? times.length - 1 : index
    const target = {
      ArrowLeft: from - 1,
      ArrowRight: from + 1,
      PageUp: from + 10,
      PageDown: from - 10,
      Home: 0,
      End: times.length - 1,
    }[event.key]
    if (event.key === 'Escape') {
      setAnchor(undefined)
      setCursor(undefined)
    } else if (event.key === 'Enter' && anchor !== undefined && cursor !== undefined) {
      zoom(anchor, cursor)
    } else if (target !== undefined) {
      event.preventDefault()
      if (!event.shiftKey) setAnchor(undefined)
      else if (anchor === undefined) setAnchor(times[from])
      setCursor(times[Math.min(Math.max(target, 0), times.length - 1)])
    }
  }
  const mark =
    cursor === undefined
      ? undefined
      : marks.find(({ atMs }) => Math.abs(scales.x(atMs) - scales.x(cursor)) <= markPx)
  const [selectFrom, selectTo] = [anchor, cursor]
    .map((atMs) => scales.x(atMs ?? range.fromMs))
    .toSorted((one, other) => one - other)
  return (
    <div
      className={classes['overlay']}
      role="slider"
      tabIndex={0}
      aria-label={`${title}: moment`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, times.length - 1)}
      aria-valuenow={Math.max(0, index < 0 ? times.length - 1 : index)}
      aria-valuetext={valueText(props, index < 0 ? times.length - 1 : index)}
      onKeyDown={walk}
      onFocus={() => setIsPointed(true)}
      onBlur={() => {
        setIsPointed(false)
        setCursor(undefined)
      }}
      onPointerMove={(event) => {
        setIsPointed(true)
        setCursor(momentOf(event))
      }}
      onPointerLeave={() => {
        setIsPointed(false)
        if (anchor === undefined) setCursor(undefined)
      }}
      onPointerDown={(event) => {
        if (event.pointerType === 'touch' || event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        setAnchor(momentOf(event))
      }}
      onPointerUp={(event) => {
        if (anchor !== undefined) drop(anchor, momentOf(event))
      }}
      onPointerCancel={() => setAnchor(undefined)}
    >
      {shown !== undefined && (
        <div className={classes['crosshair']} style={{ left: scales.x(shown) }} />
      )}
      {shown !== undefined && isPointed && (
        <div className={classes['moment']} style={besides(scales.x(shown), width)}>
          {mark?.label ?? formatMoment(new Date(shown).toISOString())}
        </div>
      )}
      {anchor !== undefined && cursor !== undefined && (
        <div
          className={classes['selection']}
          style={{ left: selectFrom, width: (selectTo ?? 0) - (selectFrom ?? 0) }}
        />
      )}
    </div>
  )
}

/** Near a place, and within the chart, however long it is. */
function besides(x: number, width: number): { left: number } | { right: number } {
  return x < width / 2
    ? { left: Math.max(0, x - labelShiftPx) }
    : { right: Math.max(0, width - x - labelShiftPx) }
}

/** What a screen reader says of a moment. */
function valueText({ timeline, series, format }: TimeChartProps, index: number): string {
  const atMs = timeline.times[index]
  if (atMs === undefined) return 'asleep all the time'
  const values = series.map(({ name, values: all }) => {
    const value = all[index]
    return `${name} ${value === undefined ? 'unknown' : format(value)}`
  })
  return [formatMoment(new Date(atMs).toISOString()), ...values].join(', ')
}

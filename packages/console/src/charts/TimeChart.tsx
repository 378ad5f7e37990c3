import { ActionIcon, Group, Text, Title, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { IconChartLine, IconTable } from '@tabler/icons-react'
import { memo, type ReactNode, useId, useMemo, useState } from 'react'

import { type Column, DataTable } from '../ui/DataTable.tsx'
import { formatMoment } from '../ui/format.ts'
import { createScales, plot, type TimeChartProps } from './chart.ts'
import { ChartOverlay } from './ChartOverlay.tsx'
import { useCursor } from './cursor.tsx'
import { areaPath, linePath, type Place, runsOf, stack } from './draw.ts'
import { nearest, timeTicks, valueTicks } from './scales.ts'

import classes from './charts.module.css'

const tickWidth = 84

/**
 * Values over time: lines, or areas on each other. Sleep is shaded, and no line goes through it. All
 * charts within a `SharedCursor` point at the same moment; dragging, or Shift and arrows, zooms. It can
 * be read as a table too.
 */
export function TimeChart(props: TimeChartProps): ReactNode {
  const { title, note } = props
  const [isTable, setIsTable] = useState(false)
  const id = useId()
  const toggleLabel = isTable ? `${title} as a chart` : `${title} as a table`
  return (
    <section className={classes['chart']} aria-labelledby={id}>
      <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
        <div className={classes['head']}>
          <Title order={3} size="sm" id={id}>
            {title}
          </Title>
          {note !== undefined && (
            <Text size="xs" c="var(--faint)" truncate title={note}>
              {note}
            </Text>
          )}
        </div>
        <Tooltip label={toggleLabel}>
          <ActionIcon size="sm" aria-label={toggleLabel} onClick={() => setIsTable(!isTable)}>
            {isTable ? <IconChartLine size={15} /> : <IconTable size={15} />}
          </ActionIcon>
        </Tooltip>
      </Group>
      {isTable ? <ChartTable {...props} /> : <ChartBody {...props} />}
    </section>
  )
}

function ChartBody(props: TimeChartProps): ReactNode {
  const { ref, width } = useElementSize()
  return (
    <>
      <Legend {...props} />
      <div ref={ref} className={classes['canvas']} style={{ height: plot.height }}>
        {width > 0 && <Drawing {...props} width={width} />}
      </div>
    </>
  )
}

/** What each line is, with its value at the moment that is pointed at, or the last. */
function Legend({ series, marks, timeline, format }: TimeChartProps): ReactNode {
  const cursor = useCursor()
  const at = cursor === undefined ? timeline.times.length - 1 : nearest(timeline.times, cursor)
  return (
    <div className={classes['legend']}>
      {series.map(({ name, values, isLimit, color }, index) => {
        const value = values[at]
        return (
          <span key={name} className={classes['entry']}>
            <span
              className={classes['swatch']}
              data-limit={isLimit || undefined}
              data-color={color ?? index + 1}
              aria-hidden
            />
            {name}
            <b className="figures">{value === undefined ? '–' : format(value)}</b>
          </span>
        )
      })}
      {marks !== undefined && series.length === 0 && (
        <span className={classes['entry']}>
          <span className={classes['swatch']} data-color={1} aria-hidden />
          {marks.length === 1 ? '1 wake' : `${marks.length} wakes`}
          {marks.length > 0 && (
            <>
              , the slowest
              <b className="figures">{format(Math.max(...marks.map(({ value }) => value)))}</b>
            </>
          )}
        </span>
      )}
    </div>
  )
}

const Drawing = memo(function Drawing(props: TimeChartProps & { width: number }): ReactNode {
  const {
    timeline,
    series,
    marks = [],
    isStacked = false,
    format,
    base,
    atLeast = 0,
    width,
  } = props
  const { range, breaks, times } = timeline
  const drawn = useMemo(() => {
    const parts = isStacked ? stack(series.map(({ values }) => values)) : undefined
    return series.map((one, at) => parts?.[at] ?? one.values)
  }, [series, isStacked])
  const highest = useMemo(() => {
    let most = atLeast
    for (const values of drawn)
      for (const value of values) if ((value ?? 0) > most) most = value ?? 0
    for (const { value } of marks) if (value > most) most = value
    return most
  }, [drawn, marks, atLeast])
  const ticks = valueTicks(highest, base === undefined ? {} : { base })
  const scales = createScales(range, width, ticks.at(-1) ?? 1)
  const floor = scales.y(0)
  const runs = drawn.map((values) =>
    runsOf(values, breaks, (at, value) => ({ x: scales.x(times[at] ?? 0), y: scales.y(value) })),
  )
  const onFloor = (run: readonly Place[]): Place[] => run.map(({ x }) => ({ x, y: floor }))
  return (
    <>
      <svg width={width} height={plot.height} aria-hidden className={classes['svg']}>
        {timeline.asleep.map(({ fromMs, toMs }) => (
          <rect
            key={fromMs}
            className={classes['asleep']}
            x={scales.x(fromMs)}
            width={Math.max(0, scales.x(toMs) - scales.x(fromMs))}
            y={plot.top}
            height={floor - plot.top}
          />
        ))}
        {ticks.map((value) => (
          <g key={value}>
            <line
              className={value === 0 ? classes['floor'] : classes['grid']}
              x1={plot.left}
              x2={width - plot.right}
              y1={scales.y(value)}
              y2={scales.y(value)}
            />
            <text
              className={classes['tick']}
              x={plot.left - 8}
              y={scales.y(value) + 4}
              textAnchor="end"
            >
              {format(value)}
            </text>
          </g>
        ))}
        {timeTicks(range.fromMs, range.toMs, (width - plot.left) / tickWidth).map((tick) => (
          <text
            key={tick.atMs}
            className={classes['tick']}
            x={Math.min(scales.x(tick.atMs), width - tickWidth / 3)}
            y={plot.height - 5}
            textAnchor="middle"
          >
            {tick.label}
          </text>
        ))}
        {runs.map((run, at) => {
          const one = series[at]
          if (one === undefined || (!isStacked && (one.isLimit === true || at > 0))) return null
          const below = (isStacked && runs[at - 1]) || run.map(onFloor)
          return (
            <path
              key={one.name}
              className={classes['area']}
              data-color={one.color ?? at + 1}
              data-stacked={isStacked || undefined}
              d={areaPath(run, below.length === run.length ? below : run.map(onFloor))}
            />
          )
        })}
        {runs.map((run, at) => (
          <path
            key={series[at]?.name}
            className={classes['line']}
            data-color={series[at]?.color ?? at + 1}
            data-limit={series[at]?.isLimit || undefined}
            d={linePath(run)}
          />
        ))}
        {marks.map(({ atMs, value }) => (
          <g key={atMs} className={classes['mark']}>
            <line x1={scales.x(atMs)} x2={scales.x(atMs)} y1={floor} y2={scales.y(value)} />
            <circle cx={scales.x(atMs)} cy={scales.y(value)} r={3.5} />
          </g>
        ))}
      </svg>
      <ChartOverlay {...props} scales={scales} />
    </>
  )
})

interface TableRow {
  atMs: number
  cells: readonly string[]
}

function ChartTable({ title, series, marks = [], timeline, format }: TimeChartProps): ReactNode {
  const isMarks = series.length === 0
  const rows: TableRow[] = isMarks
    ? marks.map(({ atMs, label }) => ({ atMs, cells: [label] }))
    : timeline.times.map((atMs, at) => ({
        atMs,
        cells: series.map(({ values }) => {
          const value = values[at]
          return value === undefined ? '–' : format(value)
        }),
      }))
  const names = isMarks ? ['Wake'] : series.map(({ name }) => name)
  const columns: Column<TableRow>[] = [
    {
      title: 'Time',
      width: 'minmax(120px, 1.4fr)',
      cell: ({ atMs }) => formatMoment(new Date(atMs).toISOString()),
    },
    ...names.map((name, at): Column<TableRow> => ({
      title: name,
      width: 'minmax(60px, 1fr)',
      align: 'right',
      cell: ({ cells }) => cells[at],
    })),
  ]
  return (
    <DataTable
      label={title}
      rows={rows.toReversed()}
      rowKey={({ atMs }) => String(atMs)}
      columns={columns}
      rowHeight={30}
      maxHeight={plot.height + 24}
    />
  )
}

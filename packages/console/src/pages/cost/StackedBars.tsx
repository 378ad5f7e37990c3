import { Text } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'

import { labelEvery, scaleFor } from '../../ui/axis.ts'
import { type Column, stack } from './stacks.ts'

import classes from './cost.module.css'

export interface Series {
  label: string
  /** Of CSS. */
  color: string
}

interface StackedBarsProps {
  /** What is drawn, for who hears it. */
  label: string
  series: readonly Series[]
  columns: readonly Column[]
  format: (value: number) => string
}

const height = 220
const margin = { top: 10, right: 4, bottom: 24, left: 62 }
const labelWidth = 58
const barMax = 46
const plotHeight = height - margin.top - margin.bottom

/** Bars over time, each of several parts; what is only expected is an outline. */
export function StackedBars({ label, series, columns, format }: StackedBarsProps): ReactNode {
  const { ref, width } = useElementSize()
  const [shown, setShown] = useState<number>()
  const sums = columns.map(({ values }) => values.reduce((sum, value) => sum + value, 0))
  const { max, ticks } = scaleFor(sums)
  const plotWidth = Math.max(0, width - margin.left - margin.right)
  const slot = plotWidth / Math.max(1, columns.length)
  const bar = Math.min(barMax, slot * 0.72)
  const every = labelEvery(columns.length, plotWidth, labelWidth)
  const yOf = (value: number): number => margin.top + plotHeight * (1 - value / max)
  const column = shown === undefined ? undefined : columns[shown]
  return (
    <div ref={ref} className={classes['chart']} onMouseLeave={() => setShown(undefined)}>
      <svg width="100%" height={height} role="img" aria-label={label}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line
              className={classes['grid']}
              x1={margin.left}
              x2={margin.left + plotWidth}
              y1={yOf(tick)}
              y2={yOf(tick)}
            />
            <text
              className={classes['tick']}
              x={margin.left - 8}
              y={yOf(tick) + 4}
              textAnchor="end"
            >
              {format(tick)}
            </text>
          </g>
        ))}
        {columns.map(({ key, label: name, values, isExpected }, at) => {
          const x = margin.left + slot * at
          return (
            <g key={key} onMouseEnter={() => setShown(at)}>
              <rect
                className={classes['slot']}
                data-shown={at === shown || undefined}
                x={x}
                y={margin.top}
                width={slot}
                height={plotHeight}
              />
              {stack(values, max, plotHeight).map((part) => (
                <rect
                  key={part.series}
                  className={classes['part']}
                  data-expected={isExpected ?? undefined}
                  style={{ '--series': series[part.series]?.color } as React.CSSProperties}
                  x={x + (slot - bar) / 2}
                  y={margin.top + part.y}
                  width={bar}
                  height={Math.max(1, part.height)}
                />
              ))}
              {at % every === 0 && (
                <text
                  className={classes['tick']}
                  x={x + slot / 2}
                  y={height - 6}
                  textAnchor="middle"
                >
                  {name}
                </text>
              )}
            </g>
          )
        })}
      </svg>
      {column && shown !== undefined && (
        <div
          className={classes['bubble']}
          data-left={shown > columns.length / 2 || undefined}
          style={{ '--x': `${margin.left + slot * (shown + 0.5)}px` } as React.CSSProperties}
        >
          <Text size="xs" fw={600}>
            {column.label}
            {column.isExpected && ' (expected)'}
          </Text>
          {series.map(({ label: name, color }, at) =>
            column.values[at] ? (
              <Swatch key={name} color={color}>
                {name} {format(column.values[at])}
              </Swatch>
            ) : null,
          )}
          <Text size="xs" c="var(--faint)">
            {format(sums[shown] ?? 0)} in all
          </Text>
        </div>
      )}
    </div>
  )
}

/** A colour of a drawing, and what it stands for. */
export function Swatch({ color, children }: { color: string; children: ReactNode }): ReactNode {
  return (
    <span className={classes['swatch']} style={{ '--series': color } as React.CSSProperties}>
      <Text span size="xs" c="var(--faint)">
        {children}
      </Text>
    </span>
  )
}

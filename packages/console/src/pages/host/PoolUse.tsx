import type { PlatformSample } from '@coppice/api'
import { Center, Text } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import type { ReactNode } from 'react'

import { scaleFor } from '../../ui/axis.ts'
import { byteUnit, formatRelative } from '../../ui/format.ts'

import classes from './host.module.css'

const height = 150
const margin = { top: 8, bottom: 22, left: 56 }
const plotHeight = height - margin.top - margin.bottom

/** What of the pool was in use, over the time of the samples. */
export function PoolUse({ samples }: { samples: readonly PlatformSample[] }): ReactNode {
  // Around both: it is measured from the beginning on.
  const { ref, width } = useElementSize()
  return (
    <div ref={ref}>
      {samples.length < 2 ? (
        <Center h={height}>
          <Text size="sm" c="var(--faint)">
            Drawn from the second minute on.
          </Text>
        </Center>
      ) : (
        <Drawing samples={samples} width={width} />
      )}
    </div>
  )
}

interface DrawingProps {
  samples: readonly PlatformSample[]
  width: number
}

function Drawing({ samples, width }: DrawingProps): ReactNode {
  const unit = byteUnit(Math.max(...samples.map((one) => one.pool_used_bytes)))
  const used = samples.map(({ at, pool_used_bytes }) => ({
    atMs: Date.parse(at),
    value: pool_used_bytes / unit.bytes,
  }))
  const { max, ticks } = scaleFor(
    used.map(({ value }) => value),
    3,
  )
  const [startMs = 0, endMs = 0] = [used[0]?.atMs, used.at(-1)?.atMs]
  const right = Math.max(margin.left, width)
  const floor = margin.top + plotHeight
  const xOf = (atMs: number): number =>
    margin.left + ((right - margin.left) * (atMs - startMs)) / Math.max(1, endMs - startMs)
  const yOf = (value: number): number => margin.top + plotHeight * (1 - value / max)
  const points = used.map(({ atMs, value }) => `${xOf(atMs).toFixed(1)},${yOf(value).toFixed(1)}`)
  return (
    <svg
      width="100%"
      height={height}
      role="img"
      aria-label="What of the pool was in use over time"
      className={classes['drawing']}
    >
      {ticks.map((tick) => (
        <g key={tick}>
          <line
            className={classes['grid']}
            x1={margin.left}
            x2={right}
            y1={yOf(tick)}
            y2={yOf(tick)}
          />
          <text className={classes['tick']} x={margin.left - 8} y={yOf(tick) + 4} textAnchor="end">
            {Number(tick.toPrecision(4))} {unit.name}
          </text>
        </g>
      ))}
      <polygon
        className={classes['area']}
        points={[`${margin.left},${floor}`, ...points, `${right},${floor}`].join(' ')}
      />
      <polyline className={classes['line']} points={points.join(' ')} />
      <text className={classes['tick']} x={margin.left} y={height - 4}>
        {formatRelative(new Date(startMs).toISOString())}
      </text>
      <text className={classes['tick']} x={right} y={height - 4} textAnchor="end">
        now
      </text>
    </svg>
  )
}

import { Skeleton, Stack, Text } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import type { ReactNode } from 'react'

import { ComputeState } from '../../ui/ComputeState.tsx'
import { localText, shareOf, spanOf, ticksOf, type TimeView } from '../../ui/time-view.ts'
import type { AwakeCompute } from './awake-compute.ts'
import { type DrawnSegment, secondsIn, type Segment, segmentsOf, simplify } from './awake-lanes.ts'
import { nameCause } from './awake-totals.ts'
import { formatSpan } from './format-awake.ts'

import classes from './lanes.module.css'

interface LanesProps {
  computes: readonly AwakeCompute[]
  window: TimeView
  isLoading: boolean
}

const laneHeight = 28
const narrowGapPx = 64
/** Segments of a lane; less than two pixels wide they would tell nothing. */
const drawnMax = 400

/** A lane for each compute: high where it was awake, hatched where frozen, a line where asleep. */
export function Lanes({ computes, window, isLoading }: LanesProps): ReactNode {
  const { ref, width } = useElementSize()
  const ticks = ticksOf(window, width, narrowGapPx)
  const percent = (ms: number): string => `${shareOf(window, ms) * 100}%`
  if (isLoading && computes.length === 0) {
    return (
      <Stack gap="sm" p="md" role="status" aria-label="Loading">
        <Skeleton height={laneHeight} />
        <Skeleton height={laneHeight} />
      </Stack>
    )
  }
  return (
    <div className={classes['lanes']}>
      <div className={classes['row']} aria-hidden>
        <div />
        <div ref={ref} className={classes['axis']}>
          {ticks.map(({ ms, label, isDay }) => (
            <span key={ms} data-day={isDay || undefined} style={{ left: percent(ms) }}>
              {label}
            </span>
          ))}
        </div>
        <div />
      </div>
      <ul className={classes['list']} aria-label="When computes were awake">
        {computes.map((compute) => {
          const segments = segmentsOf(compute, window)
          const awake = formatSpan(secondsIn(segments, 'awake'))
          return (
            <li key={compute.endpoint_id} className={classes['row']}>
              <div className={classes['label']}>
                <Text size="sm" fw={550} truncate>
                  {compute.label}
                </Text>
                <div className={classes['state']}>
                  <ComputeState state={compute.current_state} isFrozen={compute.frozen} />
                </div>
              </div>
              <Lane
                label={told(segments)}
                segments={simplify(segments, spanOf(window) / drawnMax)}
                percent={percent}
                ticks={ticks.map(({ ms }) => ms)}
              />
              <Text size="sm" ta="right" className="figures">
                <span className={classes['srOnly']}>awake for </span>
                {awake}
              </Text>
            </li>
          )
        })}
      </ul>
      <div className={classes['legend']} aria-hidden>
        {(['awake', 'frozen', 'asleep'] as const).map((state) => (
          <span key={state}>
            <svg width={22} height={12}>
              <Bar state={state} x="0" width="22" height={12} />
            </svg>
            {state}
          </span>
        ))}
      </div>
    </div>
  )
}

interface LaneProps {
  /** For who hears it. */
  label: string
  segments: readonly DrawnSegment[]
  percent: (ms: number) => string
  ticks: readonly number[]
}

function Lane({ label, segments, percent, ticks }: LaneProps): ReactNode {
  return (
    <svg className={classes['lane']} height={laneHeight} role="img" aria-label={label}>
      <defs>
        <pattern
          id="frost"
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="2" height="5" className={classes['frost']} />
        </pattern>
      </defs>
      {ticks.map((ms) => (
        <line
          key={ms}
          x1={percent(ms)}
          x2={percent(ms)}
          y1={0}
          y2={laneHeight}
          className={classes['grid']}
        />
      ))}
      {segments.map((segment) => (
        <Bar
          key={segment.fromMs}
          state={segment.state}
          x={percent(segment.fromMs)}
          width={`${Number.parseFloat(percent(segment.toMs)) - Number.parseFloat(percent(segment.fromMs))}%`}
          height={laneHeight}
        >
          <title>{describe(segment)}</title>
        </Bar>
      ))}
    </svg>
  )
}

interface BarProps {
  state: Segment['state']
  x: string
  width: string
  height: number
  children?: ReactNode
}

const shares: Readonly<Record<Segment['state'], number>> = {
  awake: 0.72,
  frozen: 0.4,
  asleep: 0.08,
}

function Bar({ state, x, width, height, children }: BarProps): ReactNode {
  const high = Math.max(2, height * shares[state])
  return (
    <rect
      x={x}
      width={width}
      y={(height - high) / 2}
      height={high}
      rx={state === 'asleep' ? 1 : 2}
      className={classes['bar']}
      data-state={state}
    >
      {children}
    </rect>
  )
}

function describe({ state, fromMs, toMs, begunBy, isMixed }: DrawnSegment): string {
  const time = `${localText(fromMs).slice(5, 19)} to ${localText(toMs).slice(11, 19)}`
  const because = begunBy && state === 'awake' ? `, woken for ${nameCause(begunBy).title}` : ''
  if (isMixed) return `on and off, mostly ${state}\n${time}`
  return `${state} for ${formatSpan((toMs - fromMs) / 1000)}${because}\n${time}`
}

function told(segments: readonly Segment[]): string {
  const spans = (['awake', 'frozen', 'asleep'] as const)
    .map((state) => [state, secondsIn(segments, state)] as const)
    .filter(([, seconds]) => seconds > 0)
    .map(([state, seconds]) => `${state} ${formatSpan(seconds)}`)
  return spans.length === 0 ? 'nothing is known' : spans.join(', ')
}

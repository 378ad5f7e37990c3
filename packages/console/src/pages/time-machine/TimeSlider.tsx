import { useElementSize, useMergedRef } from '@mantine/hooks'
import type { KeyboardEvent, ReactNode } from 'react'

import { formatRelative } from '../../ui/format.ts'
import {
  clampTo,
  localText,
  panView,
  revealMoment,
  shareOf,
  spanOf,
  stepOf,
  ticksOf,
  type TimeView,
  zoomView,
} from '../../ui/time-view.ts'
import { type LaneState, type Segment, simplify } from '../awake/awake-lanes.ts'
import { MarkerLane } from './MarkerLane.tsx'
import { type Marker, neighboursOf } from './markers.ts'
import { useTimeGestures } from './use-time-gestures.ts'

import classes from './time-slider.module.css'

interface TimeSliderProps {
  /** The history window. */
  bounds: TimeView
  /** What of it is shown. */
  view: TimeView
  onView: (view: TimeView) => void
  ms: number
  onChange: (ms: number) => void
  /** Oldest first. */
  markers: readonly Marker[]
  /** Where recoveries can begin. */
  restorePoints: readonly number[]
  /** When the branch's compute was awake. */
  activity: readonly Segment[]
}

const pageSteps = 10
/** Stretches of activity; narrower ones are drawn as one. */
const drawnMax = 600
export const zoomStep = 0.5

/** A moment of the history window: by pointer, touch, wheel and keyboard, from the whole down to seconds. */
export function TimeSlider(props: TimeSliderProps): ReactNode {
  const { bounds, view, onView, ms, onChange, markers, restorePoints, activity } = props
  const { ref: sizeRef, width } = useElementSize()
  const gestures = useTimeGestures({ bounds, view, onView, onChange })
  const trackRef = useMergedRef(sizeRef, gestures.attach)
  const ticks = ticksOf(view, width)
  const go = (to: number): void => {
    const next = clampTo(bounds, to)
    onChange(next)
    onView(revealMoment(view, bounds, next))
  }
  const percent = (at: number): string => `${shareOf(view, at) * 100}%`
  const isInView = ms >= view.fromMs && ms <= view.toMs
  return (
    <div className={classes['slider']}>
      <MarkerLane
        markers={markers}
        view={view}
        width={width}
        onChoose={go}
        onClose={(from, to) => onView(closeUp(bounds, from, to))}
      />
      <div
        ref={trackRef}
        className={classes['track']}
        role="slider"
        tabIndex={0}
        aria-label="Moment"
        aria-valuemin={Math.round(bounds.fromMs)}
        aria-valuemax={Math.round(bounds.toMs)}
        aria-valuenow={Math.round(clampTo(bounds, ms))}
        aria-valuetext={`${localText(ms)}, ${formatRelative(new Date(ms).toISOString())}`}
        onKeyDown={(event) => onKey(event, props, go)}
        {...gestures.handlers}
      >
        {ticks.map((tick) => (
          <span
            key={tick.ms}
            className={classes['grid']}
            data-day={tick.isDay || undefined}
            style={{ left: percent(tick.ms) }}
          />
        ))}
        {simplify(activity, spanOf(view) / drawnMax).map((segment) => (
          <ActivityBar key={`${segment.fromMs}`} segment={segment} view={view} />
        ))}
        {restorePoints
          .filter((at) => at >= view.fromMs && at <= view.toMs)
          .map((at) => (
            <span key={at} className={classes['restorePoint']} style={{ left: percent(at) }} />
          ))}
        {isInView && <span className={classes['handle']} style={{ left: percent(ms) }} />}
      </div>
      <div className={classes['axis']} aria-hidden>
        {ticks.map((tick) => (
          <span key={tick.ms} data-day={tick.isDay || undefined} style={{ left: percent(tick.ms) }}>
            {tick.label}
          </span>
        ))}
      </div>
      <Overview bounds={bounds} view={view} onView={onView} ms={ms} markers={markers} />
    </div>
  )
}

function onKey(event: KeyboardEvent, props: TimeSliderProps, go: (ms: number) => void): void {
  const { bounds, view, onView, ms, markers } = props
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const step = stepOf(view)
  const near = neighboursOf(markers, ms)
  const back = event.shiftKey ? (near.before?.ms ?? ms) : ms - step
  const forth = event.shiftKey ? (near.after?.ms ?? ms) : ms + step
  const zoom = (factor: number) => () => onView(zoomView(view, bounds, factor, clampTo(bounds, ms)))
  const moves: Record<string, () => void> = {
    ArrowLeft: () => go(back),
    ArrowDown: () => go(back),
    ArrowRight: () => go(forth),
    ArrowUp: () => go(forth),
    PageDown: () => go(ms - pageSteps * step),
    PageUp: () => go(ms + pageSteps * step),
    Home: () => go(bounds.fromMs),
    End: () => go(bounds.toMs),
    '+': zoom(zoomStep),
    '=': zoom(zoomStep),
    '-': zoom(1 / zoomStep),
    '0': () => onView(bounds),
  }
  const move = moves[event.key]
  if (move === undefined) return
  event.preventDefault()
  move()
}

/** So near that markers which overlap stand apart. */
function closeUp(bounds: TimeView, fromMs: number, toMs: number): TimeView {
  const factor = (2 * Math.max(1000, toMs - fromMs)) / spanOf(bounds)
  const middle = (fromMs + toMs) / 2
  const near = zoomView(bounds, bounds, factor, middle)
  return panView(near, bounds, middle - (near.fromMs + near.toMs) / 2)
}

const words: Readonly<Record<LaneState, string>> = {
  awake: 'Awake',
  frozen: 'Frozen',
  asleep: 'Asleep',
}

function ActivityBar({ segment, view }: { segment: Segment; view: TimeView }): ReactNode {
  const from = Math.max(0, shareOf(view, segment.fromMs))
  const to = Math.min(1, shareOf(view, segment.toMs))
  if (to <= 0 || from >= 1 || segment.state === 'asleep') return null
  return (
    <span
      className={classes['activity']}
      data-state={segment.state}
      title={words[segment.state]}
      style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
    />
  )
}

type OverviewProps = Pick<TimeSliderProps, 'bounds' | 'view' | 'onView' | 'ms' | 'markers'>

/** The whole window, with what is shown of it: pressed and dragged, it moves. For pointers alone. */
function Overview({ bounds, view, onView, ms, markers }: OverviewProps): ReactNode {
  const isWhole = spanOf(view) >= spanOf(bounds) * 0.999
  const { attach, handlers } = useTimeGestures({
    bounds,
    view: bounds,
    onChange: (to) => onView(panView(view, bounds, to - (view.fromMs + view.toMs) / 2)),
  })
  const percent = (at: number): string => `${shareOf(bounds, at) * 100}%`
  return (
    <div
      ref={attach}
      className={classes['overview']}
      data-whole={isWhole || undefined}
      aria-hidden
      {...handlers}
    >
      {markers.map((marker) => (
        <span
          key={marker.id}
          className={classes['dot']}
          data-kind={marker.kind}
          style={{ left: percent(clampTo(bounds, marker.ms)) }}
        />
      ))}
      <span
        className={classes['shown']}
        style={{
          left: percent(view.fromMs),
          width: `${(spanOf(view) / spanOf(bounds)) * 100}%`,
        }}
      />
      <span className={classes['needle']} style={{ left: percent(clampTo(bounds, ms)) }} />
    </div>
  )
}

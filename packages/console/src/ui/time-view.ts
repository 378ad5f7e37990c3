/** The part of a stretch of time that is shown, on a linear axis: zooming, moving, its ticks. */
export interface TimeView {
  fromMs: number
  toMs: number
}

export interface TimeTick {
  ms: number
  label: string
  /** Where a day begins, where the axis tells hours. */
  isDay: boolean
}

/** The closest look. */
const shortestSpanMs = 5_000
/** How near to an edge a moment may come before the view follows it. */
const marginShare = 0.06

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const niceSteps = [
  10,
  50,
  100,
  500,
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14].map((count) => count * day),
]
const longestStep = 14 * day
/** A step of the arrow keys is about that share of what is shown. */
const stepsShown = 120

export const spanOf = ({ fromMs, toMs }: TimeView): number => toMs - fromMs

/** 0 at the left end of the view, 1 at the right; outside of it beyond them. */
export const shareOf = (view: TimeView, ms: number): number =>
  spanOf(view) === 0 ? 0 : (ms - view.fromMs) / spanOf(view)

export const clampTo = ({ fromMs, toMs }: TimeView, ms: number): number =>
  Math.max(fromMs, Math.min(toMs, ms))

/** Shows `factor` times as much, with the anchor where it is; never more than the bounds have. */
export function zoomView(
  view: TimeView,
  bounds: TimeView,
  factor: number,
  anchorMs: number,
): TimeView {
  const most = spanOf(bounds)
  const span = Math.min(most, Math.max(Math.min(shortestSpanMs, most), spanOf(view) * factor))
  return placeWithin(bounds, anchorMs - shareOf(view, anchorMs) * span, span)
}

export function panView(view: TimeView, bounds: TimeView, byMs: number): TimeView {
  return placeWithin(bounds, view.fromMs + byMs, spanOf(view))
}

/** The view itself where the moment is well within it, else moved no further than it takes. */
export function revealMoment(view: TimeView, bounds: TimeView, ms: number): TimeView {
  const span = spanOf(view)
  const margin = span * marginShare
  if (ms < view.fromMs + margin) return placeWithin(bounds, ms - margin, span)
  if (ms > view.toMs - margin) return placeWithin(bounds, ms + margin - span, span)
  return view
}

function placeWithin(bounds: TimeView, wantedMs: number, wantedSpan: number): TimeView {
  const span = Math.min(wantedSpan, spanOf(bounds))
  const fromMs = Math.max(bounds.fromMs, Math.min(bounds.toMs - span, wantedMs))
  return { fromMs, toMs: fromMs + span }
}

/** How far an arrow key goes: a round figure, finer the closer the look. */
export function stepOf(view: TimeView): number {
  return niceSteps.findLast((step) => step <= spanOf(view) / stepsShown) ?? 10
}

/** Round moments of the reader's own time zone, at least so many pixels apart. */
export function ticksOf(view: TimeView, width: number, gapPx = 84): TimeTick[] {
  if (width <= 0 || spanOf(view) <= 0) return []
  const least = (spanOf(view) / width) * gapPx
  const step = niceSteps.find((one) => one >= least) ?? longestStep
  const offset = new Date(view.fromMs).getTimezoneOffset() * minute
  const ticks: TimeTick[] = []
  for (
    let ms = Math.ceil((view.fromMs - offset) / step) * step;
    ms <= view.toMs - offset;
    ms += step
  )
    ticks.push(tickAt(ms + offset, step))
  return ticks
}

function tickAt(ms: number, step: number): TimeTick {
  const at = new Date(ms)
  const isDay = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0
  if (step >= day || (isDay && step >= minute)) {
    return { ms, label: at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' }), isDay }
  }
  const [, time = ''] = localText(ms).split(' ')
  const digits = step >= minute ? 5 : step >= second ? 8 : 10
  return { ms, label: time.slice(0, digits), isDay }
}

/** `2026-11-25 16:49:03.250`, in the reader's own time zone; what people type, too. */
export function localText(ms: number): string {
  const local = ms - new Date(ms).getTimezoneOffset() * minute
  return new Date(local).toISOString().slice(0, 23).replace('T', ' ')
}

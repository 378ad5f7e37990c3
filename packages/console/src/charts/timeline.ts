/** When a compute was looked at, and when it slept: what all charts of a page have in common. */

export interface Span {
  fromMs: number
  toMs: number
}

/** A sample of a compute: the time from `at` on, and for how long it was awake since the one before. */
export interface Sample {
  at: string
  awake_seconds: number
}

export interface Timeline<S extends Sample> {
  range: Span
  /** Those in which it was awake, oldest first. */
  samples: readonly S[]
  /** The moment of each, in the middle of its step. */
  times: readonly number[]
  /** What each counted is to be divided by for a rate. */
  seconds: readonly number[]
  /** Before which samples there was a sleep, so that no line goes there. */
  breaks: ReadonlySet<number>
  asleep: readonly Span[]
}

/** Samples come on the tick of a clock that begins no step. */
const jitterMs = 20_000
/** One that has nothing to do is looked at once a minute. */
const idleLookMs = 60_000

/**
 * When it slept is what is left between samples once the time that they say it was awake is taken away.
 * A step is the least that can be told.
 */
export function createTimeline<S extends Sample>(
  samples: readonly S[],
  range: Span,
  { stepSeconds, isAwake }: { stepSeconds: number; isAwake: boolean },
): Timeline<S> {
  const stepMs = stepSeconds * 1000
  const asleep: Span[] = []
  const awake: S[] = []
  const breaks = new Set<number>()
  let endMs = range.fromMs
  for (const sample of samples) {
    const toMs = Math.min(Date.parse(sample.at) + stepMs, range.toMs)
    const lengthMs = Math.max(0, toMs - endMs)
    const awakeMs = Math.min(sample.awake_seconds * 1000, lengthMs)
    const isSleep = lengthMs - awakeMs > stepMs + jitterMs
    const isAllSleep = lengthMs > 0 && awakeMs < Math.min(lengthMs, stepMs) * 0.05
    if (isSleep || isAllSleep) {
      addSpan(asleep, { fromMs: endMs, toMs: isAllSleep ? toMs : toMs - awakeMs })
      breaks.add(awake.length)
    }
    if (!isAllSleep) awake.push(sample)
    endMs = toMs
  }
  const restMs = range.toMs - endMs
  const toleratedMs = (isAwake ? idleLookMs : 0) + stepMs + jitterMs
  if (restMs > toleratedMs) addSpan(asleep, { fromMs: endMs, toMs: range.toMs })
  return {
    range,
    samples: awake,
    times: awake.map(({ at }) => Math.min(Date.parse(at) + stepMs / 2, range.toMs)),
    seconds: awake.map(({ awake_seconds }) => (awake_seconds >= 1 ? awake_seconds : stepSeconds)),
    breaks,
    asleep,
  }
}

function addSpan(spans: Span[], span: Span): void {
  const last = spans.at(-1)
  if (last !== undefined && span.fromMs <= last.toMs) last.toMs = span.toMs
  else spans.push(span)
}

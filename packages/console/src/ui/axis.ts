/** Axes of drawings. Pure. */

export interface Scale {
  /** The top of the axis. */
  max: number
  /** Where lines are drawn, zero included. */
  ticks: number[]
}

const niceSteps = [1, 2, 2.5, 5, 10]

/**
 * From 0 to a round number that is not below `highest`, which is more than 0, in about `count` steps. `base` is
 * what units grow by: 1024 for bytes.
 */
export function ticksUpTo(
  highest: number,
  { count, base = 10 }: { count: number; base?: number },
): number[] {
  const unit = base === 10 ? 1 : base ** Math.max(0, Math.floor(Math.log(highest) / Math.log(base)))
  const rough = highest / unit / count
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const nice = niceSteps.find((one) => one * magnitude >= rough * 0.999_999) ?? 10
  const step = nice * magnitude * unit
  const steps = Math.ceil(highest / step - 1e-9)
  return Array.from({ length: steps + 1 }, (_, at) => at * step)
}

/** An axis from zero to a round number that is not less than any of the values. */
export function scaleFor(values: readonly number[], lines = 4): Scale {
  const highest = Math.max(0, ...values)
  if (highest === 0) return { max: 1, ticks: [0] }
  const ticks = ticksUpTo(highest, { count: lines })
  return { max: ticks.at(-1) ?? highest, ticks }
}

/** Which columns are labelled, so that labels do not touch. */
export function labelEvery(columns: number, width: number, labelWidth: number): number {
  const room = Math.max(1, Math.floor(width / labelWidth))
  return Math.max(1, Math.ceil(columns / room))
}

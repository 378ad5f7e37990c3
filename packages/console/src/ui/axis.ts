/** Axes of drawings. Pure. */

export interface Scale {
  /** The top of the axis. */
  max: number
  /** Where lines are drawn, zero included. */
  ticks: number[]
}

const steps = [1, 2, 2.5, 5, 10]

/** An axis from zero to a round number that is not less than any of the values. */
export function scaleFor(values: readonly number[], lines = 4): Scale {
  const highest = Math.max(0, ...values)
  if (highest === 0) return { max: 1, ticks: [0] }
  const rough = highest / lines
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = (steps.find((one) => one * power >= rough * 0.999_999) ?? 10) * power
  const count = Math.ceil(highest / step - 1e-9)
  return { max: count * step, ticks: Array.from({ length: count + 1 }, (_, at) => at * step) }
}

/** Which columns are labelled, so that labels do not touch. */
export function labelEvery(columns: number, width: number, labelWidth: number): number {
  const room = Math.max(1, Math.floor(width / labelWidth))
  return Math.max(1, Math.ceil(columns / room))
}

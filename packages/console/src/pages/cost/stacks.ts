/** Stacked bars: where each part is drawn. Pure. */

export interface Column {
  key: string
  /** Below it. */
  label: string
  /** Of each series, from the bottom up; none is negative. */
  values: readonly number[]
  /** Of a time that is not over: what is expected of it, or yet to come. */
  isExpected?: boolean
}

export interface Part {
  series: number
  y: number
  height: number
}

/** The parts of one column in a drawing of a height; what is nothing is left out. */
export function stack(values: readonly number[], max: number, height: number): Part[] {
  let below = 0
  return values.flatMap((value, series) => {
    const part = { series, y: height * (1 - (below + value) / max), height: (height * value) / max }
    below += value
    return value > 0 ? [part] : []
  })
}

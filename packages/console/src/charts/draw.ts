/** The paths of a chart's lines and areas. */

export interface Place {
  x: number
  y: number
}

export type Value = number | undefined

/** Places next to each other that a line connects: not over a sleep, nor where there is no value. */
export function runsOf(
  values: readonly Value[],
  breaks: ReadonlySet<number>,
  placeOf: (at: number, value: number) => Place,
): Place[][] {
  const runs: Place[][] = []
  let run: Place[] | undefined
  for (const [at, value] of values.entries()) {
    if (value === undefined || breaks.has(at)) run = undefined
    if (value === undefined) continue
    if (run === undefined) runs.push((run = []))
    run.push(placeOf(at, value))
  }
  return runs
}

const point = ({ x, y }: Place): string => `${x.toFixed(1)},${y.toFixed(1)}`

/** A line through each run; a run of one place is a dot, which a round cap makes visible. */
export function linePath(runs: readonly Place[][]): string {
  return runs
    .map((run) => {
      const [first] = run
      if (first === undefined) return ''
      return run.length === 1 ? `M${point(first)}h0.01` : `M${run.map(point).join('L')}`
    })
    .join('')
}

/** What is between each run and the one that it stands on, place by place. */
export function areaPath(tops: readonly Place[][], bottoms: readonly Place[][]): string {
  return tops
    .map((top, at) => {
      const bottom = bottoms[at] ?? []
      if (top.length < 2) return ''
      return `M${[...top, ...bottom.toReversed()].map(point).join('L')}Z`
    })
    .join('')
}

/** Each series on top of those before it; nothing counts as 0 where another has a value. */
export function stack(series: readonly (readonly Value[])[]): Value[][] {
  const length = series[0]?.length ?? 0
  const sums: Value[] = Array.from({ length }, () => undefined)
  return series.map((values) => {
    for (const [at, value] of values.entries()) {
      if (value !== undefined) sums[at] = (sums[at] ?? 0) + value
    }
    return [...sums]
  })
}

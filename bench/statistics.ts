/** Percentile by nearest rank, of values in any order. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN
  )
}

export interface Summary {
  n: number
  min: number
  p50: number
  p95: number
  p99: number
  max: number
}

export function summarize(values: readonly number[]): Summary {
  return {
    n: values.length,
    min: Math.min(...values),
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    p99: percentile(values, 0.99),
    max: Math.max(...values),
  }
}

const columns = ['n', 'min', 'p50', 'p95', 'p99', 'max'] as const

/** One line of figures, in milliseconds unless the label says otherwise. */
export function printSummary(label: string, values: readonly number[]): Summary {
  const summary = summarize(values)
  const cells = columns.map((name) => {
    const value = summary[name]
    return (name === 'n' ? String(value) : value.toFixed(1)).padStart(9)
  })
  console.log(`${label.padEnd(44)}${cells.join('')}`)
  return summary
}

export function printHeading(text: string): void {
  console.log(`\n${text.padEnd(44)}${columns.map((name) => name.padStart(9)).join('')}`)
}

import { codeWithoutControls } from '@coppice/migrate/printable'

import type { Output } from '../output.ts'
import type { Comparison } from '../schema-comparison.ts'

/** Diffs as git shows them, each below the name of its database. */
export function renderComparisons(comparisons: readonly Comparison[], output: Output): string {
  const parts = comparisons.map(({ database, diff }) =>
    [output.style('bold', `Database ${database}`), ...diff.split('\n').map(paint)].join('\n'),
  )
  return parts.join('\n\n')

  function paint(line: string): string {
    const text = codeWithoutControls(line)
    if (line.startsWith('@@')) return output.style('cyan', text)
    if (line.startsWith('-')) return output.style('red', text)
    return line.startsWith('+') ? output.style('green', text) : text
  }
}

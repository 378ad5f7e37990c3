import type { GridSource } from './grid-source.ts'

/** Of a character in the grid's font, in pixels; its cells' padding beside it. */
const characterPx = 7.3
const paddingPx = 24
const narrowestPx = 72
const widestPx = 420
/** Rows that are looked at: the first ones are like the others, but for a few characters. */
const sampleRows = 60
const slackCharacters = 4

export const smallestPx = 40

/** How wide columns begin: as their names and, where there are any, first values are long, within bounds. */
export function naturalWidths(source: GridSource, hasRows: boolean): number[] {
  const rows = hasRows ? Math.min(source.rowCount, sampleRows) : 0
  return source.columns.map(({ name, type }, column) => {
    let longest = Math.max(name.length, type.length * 0.9) + 1
    for (let row = 0; row < rows; row += 1) {
      longest = Math.max(
        longest,
        Math.min((source.cell(row, column)?.length ?? 0) + slackCharacters, 100),
      )
    }
    return Math.round(Math.min(widestPx, Math.max(narrowestPx, longest * characterPx + paddingPx)))
  })
}

export interface ColumnLayout {
  /** Where each begins, and at the end where the last one ends. */
  lefts: readonly number[]
  width: number
}

export function layOut(widths: readonly number[]): ColumnLayout {
  const lefts = [0]
  let width = 0
  for (const one of widths) lefts.push((width += one))
  return { lefts, width }
}

/** The columns that are between two places, both ends belonging to it. */
export function columnsBetween(
  { lefts }: ColumnLayout,
  from: number,
  to: number,
): [number, number] {
  const count = lefts.length - 1
  let first = 0
  while (first < count - 1 && (lefts[first + 1] ?? 0) <= from) first += 1
  let last = first
  while (last < count - 1 && (lefts[last + 1] ?? 0) < to) last += 1
  return [first, last]
}

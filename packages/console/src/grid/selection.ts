export interface CellPlace {
  row: number
  column: number
}

/** A rectangle of cells, from where it was begun to where the keys move on. */
export interface Selection {
  anchor: CellPlace
  head: CellPlace
}

export interface Rectangle {
  top: number
  left: number
  bottom: number
  right: number
}

/** Both ends belong to it. */
export function rectangleOf({ anchor, head }: Selection): Rectangle {
  return {
    top: Math.min(anchor.row, head.row),
    left: Math.min(anchor.column, head.column),
    bottom: Math.max(anchor.row, head.row),
    right: Math.max(anchor.column, head.column),
  }
}

export const only = (place: CellPlace): Selection => ({ anchor: place, head: place })

interface Keys {
  key: string
  shiftKey: boolean
  /** Ctrl, or Cmd on a Mac. */
  mod: boolean
}

interface Extent {
  rowCount: number
  columnCount: number
  /** Rows that a page has. */
  pageRows: number
}

/**
 * What a key makes of a selection, as in a spreadsheet: arrows, pages, Home and End; with Ctrl to the
 * edge, with Shift growing. Undefined where the key means nothing here.
 */
export function moveSelection(
  selection: Selection | undefined,
  keys: Keys,
  extent: Extent,
): Selection | undefined {
  const { rowCount, columnCount } = extent
  if (rowCount === 0 || columnCount === 0) return undefined
  const last = { row: rowCount - 1, column: columnCount - 1 }
  if (keys.mod && keys.key.toLowerCase() === 'a')
    return { anchor: { row: 0, column: 0 }, head: last }
  const from = selection?.head ?? { row: 0, column: 0 }
  const to = destination(from, keys, last, extent.pageRows)
  if (to === undefined) return undefined
  // The first key only shows where one is.
  if (selection === undefined && keys.key.startsWith('Arrow') && !keys.mod) return only(from)
  const head = { row: clamp(to.row, last.row), column: clamp(to.column, last.column) }
  return keys.shiftKey && selection ? { anchor: selection.anchor, head } : only(head)
}

function destination(
  { row, column }: CellPlace,
  { key, mod }: Keys,
  last: CellPlace,
  pageRows: number,
): CellPlace | undefined {
  switch (key) {
    case 'ArrowUp':
      return { row: mod ? 0 : row - 1, column }
    case 'ArrowDown':
      return { row: mod ? last.row : row + 1, column }
    case 'ArrowLeft':
      return { row, column: mod ? 0 : column - 1 }
    case 'ArrowRight':
      return { row, column: mod ? last.column : column + 1 }
    case 'PageUp':
      return { row: row - pageRows, column }
    case 'PageDown':
      return { row: row + pageRows, column }
    case 'Home':
      return { row: mod ? 0 : row, column: 0 }
    case 'End':
      return { row: mod ? last.row : row, column: last.column }
    default:
      return undefined
  }
}

const clamp = (value: number, last: number): number => Math.min(last, Math.max(0, value))

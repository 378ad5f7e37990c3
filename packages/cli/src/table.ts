import { withoutControls } from '@coppice/migrate/printable'

/** A column shows where at least one row has something in it. */
export interface Column<Row> {
  title: string
  value: (row: Row) => string | undefined
}

const gap = '  '
const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: gap,
}

/** Rows below upper-case titles, without lines: it can be read, cut and grepped. */
export async function renderTable<Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: readonly Row[],
): Promise<string> {
  const shown = columns.filter((column) => rows.some((row) => column.value(row)))
  const head = shown.map((column) => column.title.toUpperCase())
  const cells = rows.map((row) => shown.map((column) => column.value(row) ?? ''))
  return align([head, ...cells])
}

/** One thing, a line a property; what it has not is left out. */
export async function renderDetails(
  pairs: ReadonlyArray<readonly [string, string | undefined]>,
): Promise<string> {
  const shown = pairs.filter((pair): pair is [string, string] => Boolean(pair[1]))
  return align(shown)
}

/** Pads by what a terminal shows: East Asian letters are two cells wide, accents none. */
async function align(rows: ReadonlyArray<readonly string[]>): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const table = new Table({
    chars: noLines,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  for (const row of rows) table.push(row.map((cell) => clean(cell)))
  const lines = table.toString().split('\n')
  return lines.map((line) => line.trimEnd()).join('\n')
}

function clean(cell: string): string {
  return withoutControls(cell).replaceAll('\n', ' ')
}

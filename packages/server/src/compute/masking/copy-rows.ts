import type { Sql } from 'postgres'

import { arrayLiteral } from '../../lib/array-literal.ts'
import { quoteIdentifier } from '../object-names.ts'
import type { TableMasks } from './rules.ts'
import type { MaskableTable } from './tables.ts'

/** A table with rows of its own. */
export interface CopiedTable extends MaskableTable {
  /** The table that its rows go into. */
  into: string
}

export const nameOf = ({ schema, name }: Pick<MaskableTable, 'schema' | 'name'>): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`

/** How much is on its way at once; rows may be of any size. */
const batchBytes = 1024 * 1024
const firstBatchRows = 10
const maxBatchRows = 2000

/**
 * Copies the rows of one table with an expression in the place of each masked column. By a cursor and by
 * inserts of many rows: COPY would be quicker, but the library does not say what refuses its last rows.
 */
export async function copyRows(
  source: Sql,
  target: Sql,
  { table, masks }: { table: CopiedTable; masks: TableMasks | undefined },
): Promise<void> {
  const columns = table.columns.filter(({ isGenerated }) => !isGenerated)
  if (columns.length === 0) return copyBareRows(source, target, table)
  const values = columns.map(({ name, type }) => {
    const mask = masks?.get(name)
    // On a line of its own: an expression may end in a comment.
    return mask === undefined ? quoteIdentifier(name) : `cast((\n${mask}\n) as ${type})`
  })
  const insert =
    `insert into ${table.into} (${columns.map(({ name }) => quoteIdentifier(name)).join(', ')}) ` +
    `select ${columns.map(({ type }, at) => `cast(v${at} as ${type})`).join(', ')} ` +
    `from unnest(${columns.map((_, at) => `$${at + 1}::text[]`).join(', ')}) ` +
    `v(${columns.map((_, at) => `v${at}`).join(', ')})`
  await source.unsafe('begin')
  try {
    await source.unsafe(
      `declare masked no scroll cursor for select ${values.join(', ')} from only ${nameOf(table)}`,
    )
    for (let count = firstBatchRows; ;) {
      const rows = (await source.unsafe(`fetch ${count} from masked`).raw()) as RawRow[]
      if (rows.length === 0) break
      const { lists, bytes } = columnLists(rows, columns.length)
      await target.unsafe(insert, lists)
      const fitting = Math.ceil((count * batchBytes) / Math.max(bytes, 1))
      count = Math.min(fitting, count * 10, maxBatchRows)
    }
  } finally {
    await source.unsafe('rollback')
  }
}

/** As PostgreSQL writes the values out, in text. */
type RawRow = (Uint8Array | null)[]

/** Rejects bytes that are no text here, as a database without an encoding may hold. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Rows as one array literal for each column. */
function columnLists(rows: readonly RawRow[], width: number): { lists: string[]; bytes: number } {
  let bytes = 0
  const lists = Array.from({ length: width }, (_, at) => {
    const values = rows.map((row) => {
      const value = row[at] ?? null
      if (value === null) return null
      bytes += value.length
      return decoder.decode(value)
    })
    return arrayLiteral(values)
  })
  return { lists, bytes }
}

/** Of a table without columns: only how many there are. */
async function copyBareRows(source: Sql, target: Sql, table: CopiedTable): Promise<void> {
  const [row] = await source.unsafe(`select count(*)::text as count from only ${nameOf(table)}`)
  for (let left = Number(row?.['count'] ?? 0); left > 0; left -= 1) {
    await target.unsafe(`insert into ${table.into} default values`)
  }
}

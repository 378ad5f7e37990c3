import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { Relation } from '../relation.ts'
import type { KeyColumn } from './key.ts'

/** Where a range ends: the values of the key as text, or a block of the table. */
export type Position = readonly string[]

export interface Condition {
  sql: string
  /** Texts, from `$1` on. */
  parameters: string[]
}

/** A table in pieces, of which each row is in one. */
export interface Ranges {
  /** What they go by. */
  readonly columns: readonly string[]
  /** Distinguishes positions that must not be taken for each other's. */
  readonly identity: string
  /** Rows may come by again, having moved because they were changed. */
  readonly meetsRowsAgain: boolean
  /** The end of the range of about so many rows, with how many it holds; undefined at the end. */
  next(
    after: Position | undefined,
    rows: number,
  ): Promise<{ to: Position; rows: number } | undefined>
  condition(after: Position | undefined, to: Position): Condition
}

/** Ranges of a unique key. Values travel as text, so that none loses digits on the way. */
export function rangesByKey(sql: Sql, relation: Relation, key: readonly KeyColumn[]): Ranges {
  const columns = key.map(({ column }) => `${relation.qualifier}.${column}`)
  const row = rowOf(columns)
  const values = (from: number) => rowOf(key.map(({ type }, at) => `$${from + at}::text::${type}`))
  const above = (after: Position | undefined) =>
    after === undefined ? undefined : `${row} > ${values(1)}`
  return {
    columns: key.map(({ column }) => column),
    identity: key.map(({ column, type }) => `${column} ${type}`).join(', '),
    meetsRowsAgain: false,
    async next(after, rows) {
      const order = columns.join(', ')
      const page = key.map(({ column }) => `page.${column}`)
      const [last] = await sql.unsafe<Array<Record<string, string>>>(
        `with page as (select ${order} from ${relation.name}
           where ${above(after) ?? 'true'} order by ${order} limit ${rows})
         select ${page.map((column, at) => `${column}::text as key_${at}`).join(', ')},
           (select count(*) from page)::text as row_count
         from page order by ${page.map((column) => `${column} desc`).join(', ')} limit 1`,
        [...(after ?? [])],
      )
      if (!last) return undefined
      return { to: key.map((_, at) => last[`key_${at}`] ?? ''), rows: Number(last['row_count']) }
    },
    condition(after, to) {
      const start = above(after)
      const end = `${row} <= ${values((after?.length ?? 0) + 1)}`
      return {
        sql: start === undefined ? end : `${start} and ${end}`,
        parameters: [...(after ?? []), ...to],
      }
    },
  }
}

function rowOf(parts: readonly string[]): string {
  return parts.length === 1 ? String(parts[0]) : `(${parts.join(', ')})`
}

/** Ranges of blocks, up to where the table ends now. A changed row goes to another place. */
export async function rangesByBlock(
  sql: Sql,
  relation: Relation,
  estimatedRows: number,
): Promise<Ranges> {
  if (relation.kind !== 'r' || relation.hasChildren) throw noKey(relation)
  const [size] = await sql<Array<{ blocks: string }>>`
    select (pg_relation_size(${relation.oid}::text::oid)
      / current_setting('block_size')::bigint)::text as blocks`
  const blocks = Number(size?.blocks)
  const rowsPerBlock = Math.max(1, estimatedRows / Math.max(1, blocks))
  return {
    columns: ['ctid'],
    identity: `ctid of ${relation.filenode}`,
    meetsRowsAgain: true,
    async next(after, rows) {
      const start = Number(after?.[0] ?? 0)
      if (start >= blocks) return undefined
      const end = Math.min(blocks, start + Math.max(1, Math.floor(rows / rowsPerBlock)))
      return { to: [String(end)], rows: Math.round((end - start) * rowsPerBlock) }
    },
    condition: (after, to) => ({
      sql:
        `${relation.qualifier}.ctid >= ('(' || $1::text || ',0)')::tid and ` +
        `${relation.qualifier}.ctid < ('(' || $2::text || ',0)')::tid`,
      parameters: [after?.[0] ?? '0', to[0] ?? '0'],
    }),
  }
}

function noKey(relation: Relation): CliError {
  return new CliError(`${relation.name} has no unique key to go by, and rows in several tables.`, {
    advice: 'Backfill each of its partitions or child tables by name, or give it a primary key.',
  })
}

import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { Relation } from '../relation.ts'

export interface KeyColumn {
  column: string
  type: string
}

/** The columns of every unique index that holds each row once and can be walked: the primary key first. */
export async function findKeys(sql: Sql, relation: Relation): Promise<KeyColumn[][]> {
  const rows = await sql<Array<{ columns: KeyColumn[] }>>`
    select json_agg(json_build_object('column', quote_ident(a.attname),
      'type', format_type(a.atttypid, a.atttypmod)) order by k.position) as columns
    from pg_index i
    cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = ${relation.oid}::text::oid and i.indisunique and i.indisvalid
      and i.indpred is null and i.indexprs is null and k.position <= i.indnkeyatts
    group by i.indexrelid, i.indisprimary, i.indnkeyatts
    having bool_and(a.attnotnull)
    order by i.indisprimary desc, i.indnkeyatts, i.indexrelid`
  return rows.map((row) => row.columns)
}

/** The key that a user names, as `id` or `tenant, id`, else the first; undefined where there is none. */
export function chooseKey(
  relation: Relation,
  keys: readonly KeyColumn[][],
  asked: string | undefined,
): KeyColumn[] | undefined {
  if (asked === undefined) return keys[0]
  const wanted = asked.split(',').map((column) => column.trim().replaceAll('"', ''))
  const found = keys.find((key) => {
    const columns = key.map(({ column }) => column.replaceAll('"', ''))
    return columns.toSorted().join() === wanted.toSorted().join()
  })
  if (found) return found
  const usable = keys.map((key) => key.map(({ column }) => column).join(', '))
  throw new CliError(
    `${relation.name} has no unique index on (${asked}) whose columns are NOT NULL.`,
    {
      advice:
        usable.length > 0
          ? `These could be used: --key "${usable.join('", --key "')}".`
          : 'It has none at all: leave --key out to go by the place of rows on disk.',
    },
  )
}

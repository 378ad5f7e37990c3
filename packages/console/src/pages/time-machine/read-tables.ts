/** What the catalogs of a branch say, then or now. */
import type { SqlPlace } from '../../api/run-sql.ts'
import type { Row } from './compare-rows.ts'
import type { Migration } from './markers.ts'
import { readRows } from './read-rows.ts'
import { countedMax, type Table } from './tables.ts'

const tablesMax = 500
/** The largest of them. */
const countedTables = 40

const listSql = `
  select c.oid, format('%I.%I', n.nspname, c.relname),
    case when n.nspname = 'public' then c.relname else n.nspname || '.' || c.relname end,
    (select coalesce(json_agg(json_build_array(a.attname, a.attnum) order by k.place), '[]')
      from pg_index i
      cross join lateral unnest(i.indkey::int2[]) with ordinality as k (number, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
      where i.indrelid = c.oid and i.indisprimary)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema', 'coppice')
    and n.nspname !~ '^pg_' and has_table_privilege(c.oid, 'select')
  order by pg_relation_size(c.oid) desc, 3`

/** Those that the role may read, the largest first. */
export async function readTables(place: SqlPlace, signal: AbortSignal): Promise<Table[]> {
  const { rows } = await readRows(place, listSql, signal, tablesMax)
  const tables = rows.map(toTable)
  const counted = tables.slice(0, countedTables)
  if (counted.length === 0) return tables
  const counts = await readRows(place, countSql(counted), signal)
  const byAt = new Map(counts.rows.map(([at, count]) => [Number(at), Number(count)]))
  return tables.map((table, at) => ({ ...table, rows: byAt.get(at) }))
}

function toTable([oid, sqlName, name, key]: Row): Table {
  const columns = JSON.parse(key ?? '[]') as [string, number][]
  return {
    oid: Number(oid),
    sqlName: sqlName ?? '',
    name: name ?? '',
    key: columns.map(([column, number]) => ({ name: column, number })),
    rows: undefined,
  }
}

/** One more than is told, so that there being more is known. */
const countSql = (tables: readonly Table[]): string =>
  tables
    .map(
      ({ sqlName }, at) =>
        `select ${at}, count(*) from (select from ${sqlName} limit ${countedMax + 1}) as t`,
    )
    .join(' union all ')

/** What `neon migrate` has applied; none where it never has. */
export async function readMigrations(place: SqlPlace, signal: AbortSignal): Promise<Migration[]> {
  const known = await readRows(place, `select to_regclass('coppice.migrations')`, signal)
  if (known.rows[0]?.[0] === null) return []
  const sql = `
    select name, extract(epoch from applied_at) * 1000 from coppice.migrations
    where applied_at is not null order by applied_at desc`
  // A role that may not read it sees none.
  const { rows } = await readRows(place, sql, signal).catch(() => ({ rows: [] }))
  return rows.map(([name, ms]) => ({ name: name ?? '', appliedMs: Number(ms) }))
}

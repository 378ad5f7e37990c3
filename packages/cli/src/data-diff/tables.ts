import type { Session } from './session.ts'

export interface Column {
  name: string
  /** As an identifier. */
  quoted: string
  type: string
}

export const columnList = (columns: readonly Column[]): string =>
  columns.map((column) => column.quoted).join(', ')

/** A table of one side, with what rows can be told apart by. */
interface SideTable {
  schema: string
  name: string
  /** What stands after FROM: the table's own rows, and all partitions of a partitioned one. */
  from: string
  columns: Column[]
  /** Columns of its primary key, then of other unique keys without NULL; names. */
  keys: string[][]
  /** By the planner's count or its size, whichever is more. */
  rowsAbout: number
}

export type Side = 'base' | 'branch'

/** A table as it is to be compared. */
export interface TablePlan {
  schema: string
  name: string
  /** `public.users`, or with quotes where a name needs them. */
  label: string
  from: string
  /** How many rows it has, on the side that has more, roughly. */
  rowsAbout: number
  /** The columns that both sides have. */
  columns: Column[]
  /** Undefined where rows have nothing to be told apart by; then whole rows are compared. */
  key: Column[] | undefined
  /** The only side that has the table. */
  onlyIn: Side | undefined
  /** Columns that are not compared, because one side has them only. */
  columnsOnlyIn: Record<Side, string[]>
}

/** Plans the comparison of all tables, or of those that a user's name for a table means. */
export async function planTables(
  base: Session,
  branch: Session,
  wanted?: string,
): Promise<TablePlan[]> {
  const [left, right] = await Promise.all([readTables(base), readTables(branch)])
  const labels = [...new Set([...left.keys(), ...right.keys()])].toSorted()
  return labels.flatMap((label) => {
    const [a, b] = [left.get(label), right.get(label)]
    const any = a ?? b
    if (any === undefined || (wanted !== undefined && !isMeant(any, label, wanted))) return []
    return [plan(label, a, b)]
  })
}

const isMeant = (table: SideTable, label: string, wanted: string): boolean =>
  wanted === label || wanted === table.name || wanted === `${table.schema}.${table.name}`

function plan(label: string, base?: SideTable, branch?: SideTable): TablePlan {
  const [left, right] = [base?.columns ?? [], branch?.columns ?? []]
  const common = left.filter((one) => right.some((other) => other.name === one.name))
  const missing = (from: Column[], other: Column[]): string[] =>
    from.filter((one) => !other.some(({ name }) => name === one.name)).map(({ name }) => name)
  const table = base ?? branch
  if (table === undefined) throw new Error(`no side has the table ${label}`)
  const onlyIn = base === undefined ? 'branch' : branch === undefined ? 'base' : undefined
  return {
    schema: table.schema,
    name: table.name,
    label,
    from: table.from,
    rowsAbout: Math.max(base?.rowsAbout ?? 0, branch?.rowsAbout ?? 0),
    columns: onlyIn === undefined ? common : table.columns,
    key: onlyIn === undefined ? commonKey(base, branch) : keyColumns(table, table.keys[0]),
    onlyIn,
    columnsOnlyIn: {
      base: onlyIn === undefined ? missing(left, right) : [],
      branch: onlyIn === undefined ? missing(right, left) : [],
    },
  }
}

/** The first key that both sides have. */
function commonKey(base?: SideTable, branch?: SideTable): Column[] | undefined {
  const names = base?.keys.find((key) =>
    branch?.keys.some((other) => other.join('\0') === key.join('\0')),
  )
  return keyColumns(base, names)
}

function keyColumns(
  table: SideTable | undefined,
  names: readonly string[] | undefined,
): Column[] | undefined {
  const columns = names?.flatMap((name) => table?.columns.filter((one) => one.name === name) ?? [])
  return columns === undefined || columns.length === 0 ? undefined : columns
}

/** Of a small row. */
const bytesPerRow = 128

/** Tables of users by their label. Partitions are their parent's rows; foreign tables are elsewhere. */
async function readTables(session: Session): Promise<Map<string, SideTable>> {
  const rows = await session.query(`
    select format('%I.%I', n.nspname, c.relname), n.nspname, c.relname,
      format('%s%I.%I', case c.relkind when 'r' then 'only ' else '' end, n.nspname, c.relname),
      (select json_agg(json_build_object('name', a.attname, 'quoted', quote_ident(a.attname),
          'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
      (select json_agg((select json_agg(a.attname order by k.place)
            from unnest(i.indkey) with ordinality k(attnum, place)
              join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
            where k.place <= i.indnkeyatts) order by not i.indisprimary, i.indnkeyatts, x.relname)
        from pg_index i join pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
          and i.indexprs is null
          and not exists (
            select from unnest(i.indkey) with ordinality k(attnum, place)
              join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
            where k.place <= i.indnkeyatts and not a.attnotnull)),
      (select sum(greatest(p.reltuples, pg_relation_size(p.oid) / ${bytesPerRow}))
        from pg_class p
        where p.oid = c.oid or p.oid in (select relid from pg_partition_tree(c.oid)))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_'
      and n.nspname <> 'information_schema'
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid
          and d.deptype = 'e')`)
  return new Map(
    rows.map(([label, schema, name, from, columns, keys, rowsAbout]) => [
      label ?? '',
      {
        schema: schema ?? '',
        name: name ?? '',
        from: from ?? '',
        columns: JSON.parse(columns ?? '[]') as Column[],
        keys: JSON.parse(keys ?? '[]') as string[][],
        rowsAbout: Number(rowsAbout ?? 0),
      },
    ]),
  )
}

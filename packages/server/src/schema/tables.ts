import {
  type Catalog,
  foreignOptions,
  isNoMember,
  isUserSchema,
  storageOptions,
} from './catalog.ts'
import { type ColumnRow, readColumns } from './columns.ts'
import { type CheckRow, readTableChecks } from './constraints.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

interface TableRow {
  oid: number
  name: string
  owner: string
  row_type: number
  array_type: number
  is_foreign: boolean
  is_unlogged: boolean
  /** Of a typed table. */
  of_type: string | null
  access_method: string | null
  options: string | null
  foreign_clause: string
  partition_key: string | null
  is_partition: boolean
  /** `FOR VALUES …` of a partition. */
  bound: string | null
  parents: { oid: number; name: string }[]
  has_row_security: boolean
  forces_row_security: boolean
  replica_identity: string
}

/** Tables, partitioned and foreign ones among them, with what belongs to their columns. */
export async function readTables(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<TableRow[]>`
    select c.oid, format('%I.%I', n.nspname, c.relname) as name,
      quote_ident(pg_get_userbyid(c.relowner)) as owner,
      c.reltype as row_type, t.typarray as array_type,
      c.relkind = 'f' as is_foreign, c.relpersistence = 'u' as is_unlogged,
      case when c.reloftype <> 0 then format_type(c.reloftype, null) end as of_type,
      (select quote_ident(am.amname) from pg_am am where am.oid = c.relam and am.amname <> 'heap')
        as access_method,
      nullif(concat_ws(', ', ${storageOptions(catalog, sql`c.reloptions`)},
        ${storageOptions(catalog, sql`toast.reloptions`, 'toast.')}), '') as options,
      coalesce((select format(E'\nSERVER %I', s.srvname) || ${foreignOptions(catalog, sql`f.ftoptions`)}
        from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver
        where f.ftrelid = c.oid), '') as foreign_clause,
      pg_get_partkeydef(c.oid) as partition_key, c.relispartition as is_partition,
      pg_get_expr(c.relpartbound, c.oid) as bound,
      coalesce((select json_agg(json_build_object('oid', i.inhparent::bigint,
          'name', format('%I.%I', pn.nspname, p.relname)) order by i.inhseqno)
        from pg_inherits i join pg_class p on p.oid = i.inhparent
          join pg_namespace pn on pn.oid = p.relnamespace
        where i.inhrelid = c.oid), '[]'::json) as parents,
      c.relrowsecurity as has_row_security, c.relforcerowsecurity as forces_row_security,
      c.relreplident as replica_identity
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = c.reltype
      left join pg_class toast on toast.oid = c.reltoastrelid
    where c.relkind in ('r', 'p', 'f') and ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_class', sql`c.oid`)}`
  const columns = await readColumns(catalog)
  const checks = await readTableChecks(catalog)
  return rows.flatMap((row) => {
    const own = columns.get(row.oid) ?? []
    const inline = checks.filter((check) => check.table_oid === row.oid)
    return [table(row, own, inline), ...attachment(row), ...defaults(row, own), ...rowSecurity(row)]
  })
}

/** What is a column's own stands in its table's statement; a partition's stands there wholly. */
const isPrinted = (table: TableRow, column: ColumnRow): boolean =>
  column.is_local || table.is_partition || (column.is_generated && !column.parent_generates)

const hasDefaultInline = (table: TableRow, column: ColumnRow): boolean =>
  isPrinted(table, column) && column.default_clause !== null && !column.default_is_apart

function table(row: TableRow, columns: readonly ColumnRow[], checks: readonly CheckRow[]) {
  const word = row.is_foreign ? 'FOREIGN TABLE' : 'TABLE'
  const alter = `ALTER ${word} ONLY ${row.name}`
  const object: SchemaObject = {
    kind: 'table',
    name: row.name,
    addresses: [
      addressOf('pg_class', row.oid),
      addressOf('pg_type', row.row_type),
      addressOf('pg_type', row.array_type),
      ...checks.map((check) => addressOf('pg_constraint', check.oid)),
      ...columns
        .filter((column) => column.default_oid !== null && hasDefaultInline(row, column))
        .map((column) => addressOf('pg_attrdef', column.default_oid ?? 0)),
    ],
    statements: [
      createTable(row, word, columns, checks),
      ...columns.flatMap((column) => lateNotNull(row, alter, column)),
      ...columns.flatMap((column) =>
        column.settings.map((setting) => `${alter} ALTER COLUMN ${column.name} ${setting}`),
      ),
      ...replicaIdentity(row),
    ],
    ownership: `ALTER ${word} ${row.name} OWNER TO ${row.owner}`,
  }
  return object
}

/** That of an index comes with the index. */
function replicaIdentity(row: TableRow): string[] {
  if (row.is_foreign) return []
  if (row.replica_identity === 'n') return [`ALTER TABLE ONLY ${row.name} REPLICA IDENTITY NOTHING`]
  if (row.replica_identity === 'f') return [`ALTER TABLE ONLY ${row.name} REPLICA IDENTITY FULL`]
  return []
}

function createTable(
  row: TableRow,
  word: string,
  columns: readonly ColumnRow[],
  checks: readonly CheckRow[],
): string {
  const lines = [
    ...columns.filter((column) => isPrinted(row, column)).flatMap((column) => line(row, column)),
    ...columns.flatMap((column) => tableNotNull(row, column)),
    ...checks.map((check) => `CONSTRAINT ${check.name} ${check.definition}`),
  ]
  const parents = row.is_partition ? [] : row.parents.map((parent) => parent.name)
  const body = lines.length > 0 ? `(\n    ${lines.join(',\n    ')}\n)` : row.of_type ? '' : '(\n)'
  return [
    `CREATE ${row.is_unlogged ? 'UNLOGGED ' : ''}${word} ${row.name} `,
    row.of_type === null ? '' : `OF ${row.of_type} `,
    body,
    parents.length > 0 ? `\nINHERITS (${parents.join(', ')})` : '',
    row.partition_key === null ? '' : `\nPARTITION BY ${row.partition_key}`,
    row.access_method === null ? '' : `\nUSING ${row.access_method}`,
    row.options === null ? '' : `\nWITH (${row.options})`,
    row.foreign_clause,
  ]
    .join('')
    .trimEnd()
}

/** A column's line; a typed table's columns come with the type, and only what is added is said. */
function line(row: TableRow, column: ColumnRow): string[] {
  const notNull = column.not_null
  const clauses = [
    ...(hasDefaultInline(row, column) ? [column.default_clause] : []),
    ...(notNull?.is_valid && (notNull.is_local || row.is_partition) ? [notNull.clause] : []),
  ]
  if (row.of_type !== null) {
    return clauses.length > 0 ? [`${column.name} WITH OPTIONS ${clauses.join(' ')}`] : []
  }
  const type = `${column.type}${column.foreign_options}${column.collate}`
  return [[column.name, type, ...clauses].join(' ')]
}

/** One of its own, with a name, on a column that a parent brings. */
function tableNotNull(row: TableRow, column: ColumnRow): string[] {
  const notNull = column.not_null
  if (isPrinted(row, column) || !notNull?.is_local || notNull.name === null) return []
  return notNull.is_valid ? [`CONSTRAINT ${notNull.name} NOT NULL ${column.name}`] : []
}

function lateNotNull(row: TableRow, alter: string, column: ColumnRow): string[] {
  const notNull = column.not_null
  if (notNull === null) return []
  if (!notNull.is_valid) {
    return notNull.is_local || row.is_partition
      ? [`${alter} ADD CONSTRAINT ${notNull.name} NOT NULL ${column.name} NOT VALID`]
      : []
  }
  if (isPrinted(row, column) || !notNull.is_local || notNull.name !== null) return []
  return [`${alter} ALTER COLUMN ${column.name} SET NOT NULL`]
}

function attachment(row: TableRow): SchemaObject[] {
  const [parent] = row.parents
  if (!row.is_partition || parent === undefined) return []
  return [
    {
      kind: 'table attach',
      name: row.name,
      addresses: [],
      after: [addressOf('pg_class', row.oid), addressOf('pg_class', parent.oid)],
      statements: [`ALTER TABLE ONLY ${parent.name} ATTACH PARTITION ${row.name} ${row.bound}`],
    },
  ]
}

/** Later than foreign keys, which look into tables when they are made. */
function rowSecurity(row: TableRow): SchemaObject[] {
  const statements = [
    ...(row.has_row_security ? [`ALTER TABLE ${row.name} ENABLE ROW LEVEL SECURITY`] : []),
    ...(row.forces_row_security ? [`ALTER TABLE ONLY ${row.name} FORCE ROW LEVEL SECURITY`] : []),
  ]
  if (statements.length === 0) return []
  const after = [addressOf('pg_class', row.oid)]
  return [{ kind: 'row security', name: row.name, addresses: [], after, statements }]
}

/** Defaults that could not stand with their column, or that differ from a parent's. */
function defaults(row: TableRow, columns: readonly ColumnRow[]): SchemaObject[] {
  const alter = `ALTER ${row.is_foreign ? 'FOREIGN TABLE' : 'TABLE'} ONLY ${row.name} ALTER COLUMN`
  return columns.flatMap((column): SchemaObject[] => {
    if (column.is_generated || hasDefaultInline(row, column)) return []
    const hasNone = column.default_clause === null
    if (hasNone && (!column.parent_has_default || row.is_partition)) return []
    return [
      {
        kind: 'default',
        name: `${row.name}.${column.name}`,
        addresses: hasNone ? [] : [addressOf('pg_attrdef', column.default_oid ?? 0)],
        after: [addressOf('pg_class', row.oid)],
        statements: [
          `${alter} ${column.name} ${hasNone ? 'DROP DEFAULT' : `SET ${column.default_clause}`}`,
        ],
      },
    ]
  })
}

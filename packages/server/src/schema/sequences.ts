import { type Catalog, isNoMember, isUserSchema } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

interface SequenceRow {
  oid: number
  name: string
  owner: string
  type: string
  /** `START WITH …` and so on, as both kinds of statement take it. */
  parameters: string
  is_unlogged: boolean
  /** The column that it belongs to, where it does. */
  table_oid: number | null
  table_name: string | null
  column_name: string | null
  /** How the column's values are made, where it is an identity column. */
  identity: 'ALWAYS' | 'BY DEFAULT' | null
}

/** Sequences: their own, those that belong to a column, and those behind identity columns. */
export async function readSequences(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<SequenceRow[]>`
    select c.oid, format('%I.%I', n.nspname, c.relname) as name,
      quote_ident(pg_get_userbyid(c.relowner)) as owner, format_type(s.seqtypid, null) as type,
      c.relpersistence = 'u' as is_unlogged,
      concat_ws(E'\n    ',
        'START WITH ' || s.seqstart,
        'INCREMENT BY ' || s.seqincrement,
        case when s.seqmin = case when s.seqincrement > 0 then 1 else limits.low end
          then 'NO MINVALUE' else 'MINVALUE ' || s.seqmin end,
        case when s.seqmax = case when s.seqincrement > 0 then limits.high else -1 end
          then 'NO MAXVALUE' else 'MAXVALUE ' || s.seqmax end,
        'CACHE ' || s.seqcache,
        case when s.seqcycle then 'CYCLE' end) as parameters,
      t.oid as table_oid, quote_ident(tn.nspname) || '.' || quote_ident(t.relname) as table_name,
      quote_ident(a.attname) as column_name,
      case when d.deptype = 'i' then
        case a.attidentity when 'a' then 'ALWAYS' else 'BY DEFAULT' end end as identity
    from pg_sequence s join pg_class c on c.oid = s.seqrelid
      join pg_namespace n on n.oid = c.relnamespace
      cross join lateral (select
        case format_type(s.seqtypid, null) when 'smallint' then -32768::bigint
          when 'integer' then -2147483648 else -9223372036854775808 end as low,
        case format_type(s.seqtypid, null) when 'smallint' then 32767::bigint
          when 'integer' then 2147483647 else 9223372036854775807 end as high) limits
      left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
      left join pg_class t on t.oid = d.refobjid
      left join pg_namespace tn on tn.oid = t.relnamespace
      left join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where ${isUserSchema(catalog, sql`n.nspname`)} and ${isNoMember(catalog, 'pg_class', sql`c.oid`)}`
  return rows.flatMap(sequenceObjects)
}

function sequenceObjects(row: SequenceRow): SchemaObject[] {
  const address = addressOf('pg_class', row.oid)
  const column = `${row.table_name}.${row.column_name}`
  const table = addressOf('pg_class', row.table_oid ?? 0)
  if (row.identity !== null) {
    return [
      {
        kind: 'identity',
        name: column,
        addresses: [address],
        after: [table],
        statements: [
          `ALTER TABLE ${row.table_name} ALTER COLUMN ${row.column_name} ADD GENERATED ${row.identity} AS IDENTITY (\n` +
            `    SEQUENCE NAME ${row.name}\n    ${row.parameters}\n)`,
          ...(row.is_unlogged ? [`ALTER SEQUENCE ${row.name} SET UNLOGGED`] : []),
        ],
      },
    ]
  }
  const type = row.type === 'bigint' ? '' : `\n    AS ${row.type}`
  const sequence: SchemaObject = {
    kind: 'sequence',
    name: row.name,
    addresses: [address],
    statements: [
      `CREATE ${row.is_unlogged ? 'UNLOGGED ' : ''}SEQUENCE ${row.name}${type}\n    ${row.parameters}`,
    ],
    ownership: `ALTER SEQUENCE ${row.name} OWNER TO ${row.owner}`,
  }
  if (row.table_name === null) return [sequence]
  return [
    sequence,
    {
      kind: 'sequence owner',
      name: row.name,
      addresses: [],
      after: [address, table],
      statements: [`ALTER SEQUENCE ${row.name} OWNED BY ${column}`],
    },
  ]
}

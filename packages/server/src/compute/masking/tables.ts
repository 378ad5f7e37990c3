import type { Sql } from 'postgres'

import { isNoMember, isUserSchema, openCatalog } from '../../schema/catalog.ts'

/** A table of users with what a masking rule has to fit. */
export interface MaskableTable {
  oid: number
  schema: string
  name: string
  /** `r` has rows; `p` is partitioned and has none of its own; `v`, `m` and `f` show those of others. */
  kind: 'r' | 'p' | 'v' | 'm' | 'f'
  /** Tables that it is a partition of, or inherits from. */
  parents: number[]
  isPartition: boolean
  columns: MaskableColumn[]
  /** Columns of each unique index; `null` for an expression. */
  uniques: (string | null)[][]
  foreignKeys: ForeignKey[]
}

export interface MaskableColumn {
  name: string
  type: string
  isNotNull: boolean
  isGenerated: boolean
}

export interface ForeignKey {
  name: string
  columns: string[]
  table: number
  referencedColumns: string[]
}

/** The tables of one database, none of extensions'. Reads catalogs and runs nothing of users. */
export async function readMaskableTables(sql: Sql): Promise<MaskableTable[]> {
  return sql.begin('isolation level repeatable read read only', async (transaction) => {
    const catalog = await openCatalog(transaction)
    return transaction<MaskableTable[]>`
      select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind,
        c.relispartition as "isPartition",
        (select coalesce(json_agg(i.inhparent::bigint order by i.inhseqno), '[]')
          from pg_inherits i where i.inhrelid = c.oid) as parents,
        (select coalesce(json_agg(json_build_object('name', a.attname,
            'type', format_type(a.atttypid, a.atttypmod), 'isNotNull', a.attnotnull,
            'isGenerated', a.attgenerated <> '') order by a.attnum), '[]')
          from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
        (select coalesce(json_agg((select json_agg(a.attname order by k.place)
              from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k(attnum, place)
                left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                  and k.attnum <> 0)), '[]')
          from pg_index i where i.indrelid = c.oid and i.indisunique) as uniques,
        (select coalesce(json_agg(json_build_object('name', f.conname, 'table', f.confrelid::bigint,
            'columns', ${names(transaction, 'conrelid', 'conkey')},
            'referencedColumns', ${names(transaction, 'confrelid', 'confkey')})), '[]')
          from pg_constraint f
          where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0) as "foreignKeys"
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${isUserSchema(catalog, transaction`n.nspname`)}
        and ${isNoMember(catalog, 'pg_class', transaction`c.oid`)}
      order by n.nspname, c.relname`
  })
}

const names = (sql: Sql | Parameters<Parameters<Sql['begin']>[1]>[0], table: string, key: string) =>
  sql`(select json_agg(a.attname order by k.place)
    from unnest(f.${sql(key)}) with ordinality k(attnum, place)
      join pg_attribute a on a.attrelid = f.${sql(table)} and a.attnum = k.attnum)`

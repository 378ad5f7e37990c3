/** What a database says of its tables, as one row of JSON each (PostgreSQL manual, "System Catalogs"). */
import { quoteValue, type TableName } from './quote.ts'

/** `pg_class.relkind` of what has rows. */
export type RelationKind = 'r' | 'p' | 'v' | 'm' | 'f'

export const kindNames: Readonly<Record<RelationKind, string>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
}

export interface Relation extends TableName {
  kind: RelationKind
  /** The table that it is a partition of. */
  parent: string | null
  /** As of the last vacuum or analyze; null where it is not known. */
  estimated_rows: number | null
  size_bytes: number
}

/** Tables, views and what else has rows, of the schemas that the role may use. */
export const relationsSql = `SELECT to_json(relation)
FROM (
  SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind,
    (SELECT parent.relname FROM pg_inherits i JOIN pg_class parent ON parent.oid = i.inhparent
      WHERE i.inhrelid = c.oid AND c.relispartition) AS parent,
    CASE WHEN c.reltuples >= 0 AND c.relkind <> 'v' THEN c.reltuples::bigint END AS estimated_rows,
    CASE c.relkind
      WHEN 'p' THEN (SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM pg_partition_tree(c.oid))
      ELSE coalesce(pg_total_relation_size(c.oid), 0)
    END AS size_bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND has_schema_privilege(n.oid, 'USAGE')
) relation
ORDER BY schema <> 'public', schema, coalesce(parent, name), parent IS NOT NULL, name`

export interface TableColumn {
  name: string
  /** As one would write it: `character varying(20)`. */
  type: string
  /** `pg_type.typname` of it, or of what a domain is of: `varchar`, `jsonb`. */
  base_type: string
  /** `pg_type.typcategory`: `A` array, `B` boolean, `N` number, `S` text. */
  category: string
  /** Of an enum, in their order. */
  labels: string[] | null
  /** Whether a value can be of any length. */
  is_long: boolean
  is_sortable: boolean
  not_null: boolean
  default: string | null
  /** The expression of a generated column. */
  generated: string | null
  identity: '' | 'a' | 'd'
  comment: string | null
}

export interface ForeignKey {
  name: string
  /** Of the table that refers. */
  columns: string[]
  table: TableName
  /** Of the table that is referred to. */
  foreign_columns: string[]
}

export interface IncomingKey extends ForeignKey {
  /** Whether those who refer to a row are found without reading their whole table. */
  is_cheap: boolean
}

export interface TableIndex {
  name: string
  definition: string
  size_bytes: number
  scans: number
  is_unique: boolean
  is_valid: boolean
}

export interface TableStatistics {
  live_rows: number
  dead_rows: number
  modified_since_analyze: number
  sequential_scans: number
  sequential_rows: number
  index_scans: number
  index_rows: number
  inserted: number
  updated: number
  hot_updated: number
  deleted: number
  last_vacuum: string | null
  last_autovacuum: string | null
  last_analyze: string | null
  last_autoanalyze: string | null
}

export interface TableDetails extends TableName {
  kind: RelationKind
  owner: string
  comment: string | null
  /** The condition of a partition: `FOR VALUES FROM …`. */
  partition_bound: string | null
  /** How a partitioned table is divided: `RANGE (at)`. */
  partition_key: string | null
  /** Of a view. */
  view_definition: string | null
  estimated_rows: number | null
  has_row_security: boolean
  privileges: { insert: boolean; update: boolean; delete: boolean }
  columns: TableColumn[]
  /** Columns that name a row: of the primary key, or of the first unique index without NULLs. */
  key: string[] | null
  foreign_keys: ForeignKey[]
  referenced_by: IncomingKey[]
  constraints: { name: string; type: string; definition: string }[]
  indexes: TableIndex[]
  triggers: { name: string; definition: string; is_enabled: boolean }[]
  sizes: { table: number; indexes: number; toast: number; total: number }
  statistics: TableStatistics | null
}

/** Below that many rows a table is read whole without a thought. */
const smallRows = 10_000

/** Types of PostgreSQL that have no order. */
const unordered =
  'json|xml|point|line|lseg|box|path|polygon|circle|xid|cid|refcursor|aclitem|pg_snapshot'

/** Everything of one table; no row where there is none of that name. */
export const detailsSql = (table: TableName): string => `SELECT to_json(details)
FROM (
  SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind,
    pg_get_userbyid(c.relowner) AS owner,
    obj_description(c.oid, 'pg_class') AS comment,
    pg_get_expr(c.relpartbound, c.oid) AS partition_bound,
    CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid, true) END AS view_definition,
    CASE WHEN c.reltuples >= 0 AND c.relkind <> 'v' THEN c.reltuples::bigint END AS estimated_rows,
    c.relrowsecurity AS has_row_security,
    json_build_object(
      'insert', has_any_column_privilege(c.oid, 'INSERT'),
      'update', has_any_column_privilege(c.oid, 'UPDATE'),
      'delete', has_table_privilege(c.oid, 'DELETE')) AS privileges,
    (${columnsSql}) AS columns,
    (${keySql}) AS key,
    (${foreignKeysSql('conrelid', 'confrelid')}) AS foreign_keys,
    (${foreignKeysSql('confrelid', 'conrelid')}) AS referenced_by,
    (${constraintsSql}) AS constraints,
    (${indexesSql}) AS indexes,
    (${triggersSql}) AS triggers,
    (${sizesSql}) AS sizes,
    (${statisticsSql}) AS statistics
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ${quoteValue(table.schema)} AND c.relname = ${quoteValue(table.name)}
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
) details`

/** What follows is of the table \`c\` around it. */
const list = (select: string, order: string): string =>
  `SELECT coalesce(json_agg(item ORDER BY ${order}), '[]') FROM (${select}) item`

const columnsSql = list(
  `SELECT a.attnum, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
      base.typname AS base_type, base.typcategory AS category,
      (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e
        WHERE e.enumtypid = base.oid) AS labels,
      base.typlen = -1 AND base.typcategory IN ('S', 'U', 'A', 'C', 'G', 'R') AS is_long,
      base.typname !~ '^_?(${unordered})$' AS is_sortable,
      a.attnotnull OR t.typnotnull AS not_null,
      CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
      CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated,
      a.attidentity AS identity, col_description(c.oid, a.attnum) AS comment
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type base ON base.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND has_column_privilege(c.oid, a.attnum, 'SELECT')`,
  'item.attnum',
)

const namesOf = (numbers: string, relation: string): string =>
  `(SELECT json_agg(part.attname ORDER BY nth.place)
        FROM unnest(${numbers}) WITH ORDINALITY nth(number, place)
        JOIN pg_attribute part ON part.attrelid = ${relation} AND part.attnum = nth.number)`

const keySql = `SELECT ${namesOf('i.indkey::smallint[]', 'c.oid')}
    FROM pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
        AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull)
    ORDER BY i.indisprimary DESC, i.indnatts, i.indexrelid LIMIT 1`

/** Those of partitions are of the table that they are partitions of. */
function foreignKeysSql(own: 'conrelid' | 'confrelid', other: 'conrelid' | 'confrelid'): string {
  return list(
    `SELECT k.conname AS name, ${namesOf('k.conkey', 'k.conrelid')} AS columns,
      json_build_object('schema', kn.nspname, 'name', kc.relname) AS table,
      ${namesOf('k.confkey', 'k.confrelid')} AS foreign_columns,
      kc.reltuples BETWEEN 0 AND ${smallRows} OR EXISTS (SELECT FROM pg_index i
        WHERE i.indrelid = kc.oid AND i.indisvalid AND i.indpred IS NULL
          AND i.indkey[0] = ANY (k.conkey)) AS is_cheap
    FROM pg_constraint k
    JOIN pg_class kc ON kc.oid = k.${other}
    JOIN pg_namespace kn ON kn.oid = kc.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.${own} = c.oid`,
    'item.name',
  )
}

const constraintsSql = list(
  `SELECT k.conname AS name, k.contype AS type, pg_get_constraintdef(k.oid, true) AS definition
    FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')`,
  "array_position('{p,u,f,c,x}', item.type::text), item.name",
)

const indexesSql = list(
  `SELECT ic.relname AS name, pg_get_indexdef(i.indexrelid) AS definition,
      coalesce(pg_relation_size(ic.oid), 0) AS size_bytes,
      coalesce(pg_stat_get_numscans(ic.oid), 0) AS scans,
      i.indisunique AS is_unique, i.indisvalid AS is_valid
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid`,
  'item.name',
)

const triggersSql = list(
  `SELECT t.tgname AS name, pg_get_triggerdef(t.oid, true) AS definition,
      t.tgenabled <> 'D' AS is_enabled
    FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal`,
  'item.name',
)

/** A partitioned table has no rows of its own: its partitions have. */
const parts = `SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)`

const sizesSql = `SELECT json_build_object(
      'table', coalesce(sum(pg_relation_size(part.oid)), 0),
      'indexes', coalesce(sum(pg_indexes_size(part.oid)), 0),
      'toast', coalesce(sum(pg_table_size(part.oid) - pg_relation_size(part.oid)), 0),
      'total', coalesce(sum(pg_total_relation_size(part.oid)), 0))
    FROM (${parts}) part`

const statisticsSql = `SELECT to_json(s) FROM (
      SELECT sum(n_live_tup) AS live_rows, sum(n_dead_tup) AS dead_rows,
        sum(n_mod_since_analyze) AS modified_since_analyze,
        sum(seq_scan) AS sequential_scans, sum(seq_tup_read) AS sequential_rows,
        coalesce(sum(idx_scan), 0) AS index_scans, coalesce(sum(idx_tup_fetch), 0) AS index_rows,
        sum(n_tup_ins) AS inserted, sum(n_tup_upd) AS updated, sum(n_tup_hot_upd) AS hot_updated,
        sum(n_tup_del) AS deleted,
        max(last_vacuum) AS last_vacuum, max(last_autovacuum) AS last_autovacuum,
        max(last_analyze) AS last_analyze, max(last_autoanalyze) AS last_autoanalyze
      FROM pg_stat_all_tables WHERE relid IN (${parts})
      HAVING count(*) > 0) s`

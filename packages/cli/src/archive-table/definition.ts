import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { Relation } from '../relation.ts'

/** All that it takes to make a table again, as statements whose names are qualified and quoted. */
export interface TableDefinition {
  schema: string
  name: string
  /** For statements. */
  qualified_name: string
  /** Those that are stored, quoted: generated ones are computed again. */
  columns: string[]
  before_table: string[]
  create_table: string
  /** Once the rows are there. */
  after_rows: string[]
  partition: { parent: string; bound: string } | null
  /** What the table has and the archive has not. */
  not_kept: string[]
}

interface Column {
  name: string
  type: string
  collation: string | null
  not_null: boolean
  expression: string | null
  identity: string
  generated: string
}

interface Sequence {
  column: string
  name: string
  /** `i` of an identity column, `a` of a serial one. */
  kind: string
  options: string
  last: string | null
}

interface Facts {
  schema: string
  name: string
  persistence: string
  options: string | null
  parent: string | null
  bound: string | null
  inherits: boolean
  columns: Column[] | null
  sequences: Sequence[] | null
  constraints: string[] | null
  indexes: string[] | null
  triggers: string[] | null
  not_kept: Array<string | null>
}

/** Reads it from the catalogs. The session's search_path must be empty, which qualifies every name. */
export async function readDefinition(sql: Sql, relation: Relation): Promise<TableDefinition> {
  const [row] = await sql.unsafe<Array<{ facts: Facts }>>(factsQuery, [relation.oid])
  if (!row) throw new CliError(`${relation.name} is gone.`)
  const { facts } = row
  if (facts.inherits) {
    throw new CliError(`${relation.name} inherits from another table.`, {
      advice: 'Partitions and plain tables can be archived. ALTER TABLE … NO INHERIT makes it one.',
    })
  }
  const stored = (facts.columns ?? []).filter((column) => column.generated === '')
  if (stored.length === 0) throw new CliError(`${relation.name} has no columns to archive.`)
  const sequences = facts.sequences ?? []
  const serials = sequences.filter(({ kind }) => kind === 'a')
  return {
    schema: facts.schema,
    name: facts.name,
    qualified_name: relation.name,
    columns: stored.map(({ name }) => name),
    before_table: serials.map(({ name, options }) => `create sequence ${name} ${options}`),
    create_table: createTable(relation.name, facts, sequences),
    after_rows: [
      ...serials.map(
        ({ name, column }) => `alter sequence ${name} owned by ${relation.name}.${column}`,
      ),
      ...sequences.flatMap(({ name, last }) =>
        last === null ? [] : [`select pg_catalog.setval('${name.replaceAll("'", "''")}', ${last})`],
      ),
      ...(facts.constraints ?? []),
      ...(facts.indexes ?? []),
      ...(facts.triggers ?? []),
    ],
    partition:
      facts.parent === null || facts.bound === null
        ? null
        : { parent: facts.parent, bound: facts.bound },
    not_kept: facts.not_kept.filter((kind) => kind !== null),
  }
}

function createTable(name: string, facts: Facts, sequences: readonly Sequence[]): string {
  // A partition has the identity of its parent, from 17 on, and must not bring one of its own.
  const identities = facts.parent === null ? sequences : []
  const lines = (facts.columns ?? []).map((column) => `  ${columnLine(column, identities)}`)
  const unlogged = facts.persistence === 'u' ? 'unlogged ' : ''
  const options = facts.options === null ? '' : ` with (${facts.options})`
  return `create ${unlogged}table ${name} (\n${lines.join(',\n')}\n)${options}`
}

function columnLine(column: Column, sequences: readonly Sequence[]): string {
  const { name, type, collation, expression, identity, generated } = column
  const sequence = sequences.find((one) => one.kind === 'i' && one.column === name)
  const always = identity === 'a' ? 'always' : 'by default'
  return [
    name,
    type,
    collation === null ? '' : `collate ${collation}`,
    generated === '' || expression === null
      ? ''
      : `generated always as (${expression}) ${generated === 's' ? 'stored' : 'virtual'}`,
    generated === '' && expression !== null ? `default ${expression}` : '',
    sequence === undefined
      ? ''
      : `generated ${always} as identity (sequence name ${sequence.name} ${sequence.options})`,
    column.not_null ? 'not null' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}

const identity = `quote_ident(n.nspname) || '.' || quote_ident(c.relname)`

/** Foreign keys of the parent come back by attaching, and could not hold without it. */
const factsQuery = `
with t as (select c.*, ${identity} as qualified, n.nspname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::text::oid)
select json_build_object(
  'schema', t.nspname, 'name', t.relname, 'persistence', t.relpersistence,
  'options', (select string_agg(quote_ident(split_part(o, '=', 1)) || '=' ||
      quote_literal(substr(o, strpos(o, '=') + 1)), ', ') from unnest(t.reloptions) o),
  'parent', (select ${identity} from pg_inherits i join pg_class c on c.oid = i.inhparent
    join pg_namespace n on n.oid = c.relnamespace where i.inhrelid = t.oid and t.relispartition),
  'bound', pg_get_expr(t.relpartbound, t.oid),
  'inherits', not t.relispartition and exists (select from pg_inherits where inhrelid = t.oid),
  'columns', (select json_agg(json_build_object(
      'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
      'collation', (select quote_ident(n.nspname) || '.' || quote_ident(l.collname)
        from pg_collation l join pg_namespace n on n.oid = l.collnamespace
        where l.oid = a.attcollation and a.attcollation <> y.typcollation),
      'not_null', a.attnotnull, 'expression', pg_get_expr(d.adbin, d.adrelid),
      'identity', a.attidentity, 'generated', a.attgenerated) order by a.attnum)
    from pg_attribute a join pg_type y on y.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped),
  'sequences', (select json_agg(json_build_object(
      'column', quote_ident(a.attname), 'name', ${identity}, 'kind', d.deptype,
      'options', format('%sincrement by %s minvalue %s maxvalue %s start with %s cache %s%s',
        case when d.deptype = 'a' then 'as ' || format_type(s.seqtypid, null) || ' ' end,
        s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
        case when s.seqcycle then ' cycle' end),
      'last', pg_sequence_last_value(s.seqrelid)::text))
    from pg_depend d join pg_sequence s on s.seqrelid = d.objid
    join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.refobjid = t.oid and d.deptype in ('a', 'i')),
  'constraints', (select json_agg(format('alter table %s add constraint %I %s', t.qualified,
      conname, pg_get_constraintdef(o.oid)) order by strpos('puxcf', contype::text), conname)
    from pg_constraint o where conrelid = t.oid and contype in ('p', 'u', 'x', 'c', 'f')
      and (contype <> 'f' or conparentid = 0)),
  'indexes', (select json_agg(pg_get_indexdef(i.indexrelid) order by i.indexrelid)
    from pg_index i where i.indrelid = t.oid and i.indisvalid and not exists
      (select from pg_constraint where conindid = i.indexrelid and conrelid = t.oid)),
  'triggers', (select json_agg(pg_get_triggerdef(g.oid) order by g.tgname)
    from pg_trigger g where g.tgrelid = t.oid and not g.tgisinternal and g.tgparentid = 0),
  'not_kept', json_build_array(
    case when t.relacl is not null then 'privileges' end,
    case when t.relrowsecurity then 'row security' end,
    case when exists (select from pg_description where objoid = t.oid
      and classoid = 'pg_class'::regclass) then 'comments' end,
    case when exists (select from pg_statistic_ext where stxrelid = t.oid)
      then 'extended statistics' end)
) as facts from t`

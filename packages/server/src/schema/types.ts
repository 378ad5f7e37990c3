import {
  type Catalog,
  collateClause,
  isNoMember,
  isUserSchema,
  needsLaterObjects,
} from './catalog.ts'
import { type Address, addressOf, type SchemaObject } from './schema-object.ts'

interface TypeRow {
  oid: number
  /** Of the array type that comes with it. */
  array: number
  name: string
  owner: string
}

const typeColumns = ({ sql }: Catalog) => sql`
  t.oid, t.typarray as array, format('%I.%I', n.nspname, t.typname) as name,
  quote_ident(pg_get_userbyid(t.typowner)) as owner`

const typesOf = (catalog: Catalog, kind: string) => {
  const { sql } = catalog
  return sql`t.typtype = ${kind} and ${isUserSchema(catalog, sql`n.nspname`)}
    and ${isNoMember(catalog, 'pg_type', sql`t.oid`)}`
}

const typeObject = (row: TypeRow, word: 'TYPE' | 'DOMAIN', statement: string): SchemaObject => ({
  kind: 'type',
  name: row.name,
  addresses: [addressOf('pg_type', row.oid), addressOf('pg_type', row.array)],
  statements: [statement],
  ownership: `ALTER ${word} ${row.name} OWNER TO ${row.owner}`,
})

/** Enumerations, composite types, domains and ranges. */
export async function readTypes(catalog: Catalog): Promise<SchemaObject[]> {
  const early = await readEarlyChecks(catalog)
  const types = [
    ...(await readEnums(catalog)),
    ...(await readComposites(catalog)),
    ...(await readDomains(catalog, early)),
    ...(await readRanges(catalog)),
  ]
  return types.map((type) => ({ ...type, after: [...(type.after ?? []), ...early.neededBy(type)] }))
}

async function readEnums(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<(TypeRow & { labels: string | null })[]>`
    select ${typeColumns(catalog)}, (
        select string_agg(E'\n    ' || quote_literal(enumlabel), ',' order by enumsortorder)
        from pg_enum where enumtypid = t.oid) as labels
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where ${typesOf(catalog, 'e')}`
  return rows.map((row) =>
    typeObject(row, 'TYPE', `CREATE TYPE ${row.name} AS ENUM (${row.labels ?? ''}\n)`),
  )
}

async function readComposites(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<(TypeRow & { relation: number; attributes: string | null })[]>`
    select ${typeColumns(catalog)}, c.oid as relation, (
        select string_agg(
          format(E'\n    %I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
            ${collateClause(catalog, sql`a.attcollation`, sql`ty.typcollation`)}),
          ',' order by a.attnum)
        from pg_attribute a join pg_type ty on ty.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as attributes
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
      join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
    where ${typesOf(catalog, 'c')}`
  return rows.map((row) => {
    const statement = `CREATE TYPE ${row.name} AS (${row.attributes ?? ''}\n)`
    const object = typeObject(row, 'TYPE', statement)
    return { ...object, addresses: [...object.addresses, addressOf('pg_class', row.relation)] }
  })
}

interface DomainRow extends TypeRow {
  definition: string
  not_null: string
}

interface DomainCheckRow {
  oid: number
  domain: number
  name: string
  definition: string
  is_valid: boolean
  is_apart: boolean
}

interface EarlyChecks {
  /** Whether checks of a domain cannot wait until tables are there. */
  has: (domain: number) => boolean
  /** What stands for the checks of the domains that a type is made of. */
  neededBy: (type: SchemaObject) => Address[]
}

/** What stands for the checks of a domain that come early: its array type can only be used after them. */
const checksOf = (row: TypeRow): Address => addressOf('pg_type', row.array)

/**
 * PostgreSQL adds no check to a domain that a column holds within an array, a composite type or a range:
 * it could not find the values (`find_composite_type_dependencies`). The check is added before tables then.
 * All others come after them, and after rows, since their functions may read tables.
 */
async function readEarlyChecks(catalog: Catalog): Promise<EarlyChecks> {
  const { sql } = catalog
  const rows = await sql<{ array: number; domain: number; type: number }[]>`
    with recursive holder (domain, type, is_container) as (
      select con.contypid, con.contypid, false from pg_constraint con
      where con.contypid <> 0 and con.contype = 'c' and con.convalidated
        and ${needsLaterObjects(catalog, 'pg_constraint', sql`con.oid`, sql`0`)}
      union
      select h.domain, further.type, h.is_container or further.is_container
      from holder h cross join lateral (
        select t.typarray as type, true as is_container from pg_type t
        where t.oid = h.type and t.typarray <> 0
        union all
        select t.oid, false from pg_type t where t.typtype = 'd' and t.typbasetype = h.type
        union all
        select c.reltype, true from pg_attribute a join pg_class c on c.oid = a.attrelid
        where a.atttypid = h.type and c.reltype <> 0
        union all
        select unnest(array[r.rngtypid, r.rngmultitypid]), true from pg_range r
        where r.rngsubtype = h.type) further)
    select d.oid as domain, d.typarray as array, h.type
    from holder h join pg_type d on d.oid = h.domain
    where h.is_container and exists (
      select from holder used join pg_attribute a on a.atttypid = used.type
        join pg_class c on c.oid = a.attrelid
      where used.domain = h.domain and used.is_container and c.relkind in ('r', 'p', 'm'))`
  const domains = new Set(rows.map(({ domain }) => domain))
  return {
    has: (domain) => domains.has(domain),
    neededBy: ({ addresses }) =>
      rows
        .filter(({ type }) => addresses.includes(addressOf('pg_type', type)))
        .map(({ array }) => addressOf('pg_type', array)),
  }
}

async function readDomains(catalog: Catalog, early: EarlyChecks): Promise<SchemaObject[]> {
  const { sql, version } = catalog
  // Since 17 the constraint has a row, and so a name.
  const notNull =
    version >= 17
      ? sql`(
          select case when con.conname = t.typname || '_not_null' then ' NOT NULL'
            else format(' CONSTRAINT %I NOT NULL', con.conname) end
          from pg_constraint con where con.contypid = t.oid and con.contype = 'n')`
      : sql`case when t.typnotnull then ' NOT NULL' end`
  const rows = await sql<DomainRow[]>`
    select ${typeColumns(catalog)},
      format_type(t.typbasetype, t.typtypmod)
        || ${collateClause(catalog, sql`t.typcollation`, sql`b.typcollation`)}
        || coalesce(' DEFAULT ' || coalesce(
          pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), quote_literal(t.typdefault)), '')
        as definition,
      coalesce(${notNull}, '') as not_null
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
      join pg_type b on b.oid = t.typbasetype
    where ${typesOf(catalog, 'd')}`
  const checks = await sql<DomainCheckRow[]>`
    select con.oid, con.contypid as domain, quote_ident(con.conname) as name,
      pg_get_constraintdef(con.oid) as definition, con.convalidated as is_valid,
      not con.convalidated
        or ${needsLaterObjects(catalog, 'pg_constraint', sql`con.oid`, sql`0`)} as is_apart
    from pg_constraint con
    where con.contypid <> 0 and con.contype = 'c'
      and ${isNoMember(catalog, 'pg_type', sql`con.contypid`)}
    order by con.conname collate "C"`
  const of = (row: DomainRow) => checks.filter((check) => check.domain === row.oid)
  const add = (row: DomainRow, check: DomainCheckRow) =>
    `ALTER DOMAIN ${row.name} ADD CONSTRAINT ${check.name} ${check.definition}`
  return rows.flatMap((row): SchemaObject[] => {
    const inline = of(row).filter((check) => !check.is_apart)
    const before = of(row).filter((check) => check.is_apart && check.is_valid && early.has(row.oid))
    const after = of(row).filter((check) => check.is_apart && !before.includes(check))
    const constraints = inline.map((check) => `\n    CONSTRAINT ${check.name} ${check.definition}`)
    const statement = `CREATE DOMAIN ${row.name} AS ${row.definition}${row.not_null}`
    const object = typeObject(row, 'DOMAIN', statement + constraints.join(''))
    const addresses = object.addresses.filter(
      (address) => before.length === 0 || address !== checksOf(row),
    )
    const brought = inline.map((check) => addressOf('pg_constraint', check.oid))
    return [
      { ...object, addresses: [...addresses, ...brought] },
      ...(before.length === 0
        ? []
        : [
            {
              kind: 'domain check' as const,
              name: row.name,
              addresses: [
                checksOf(row),
                ...before.map((check) => addressOf('pg_constraint', check.oid)),
              ],
              statements: before.map((check) => add(row, check)),
            },
          ]),
      ...after.map((check) => ({
        kind: 'check constraint' as const,
        name: `${row.name} ${check.name}`,
        addresses: [addressOf('pg_constraint', check.oid)],
        statements: [add(row, check)],
      })),
    ]
  })
}

async function readRanges(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<
    (TypeRow & { multirange: number; multirange_array: number; definition: string })[]
  >`
    select ${typeColumns(catalog)}, m.oid as multirange, m.typarray as multirange_array,
      concat_ws(E',\n    ',
        'subtype = ' || format_type(r.rngsubtype, null),
        'multirange_type_name = ' || format('%I.%I', mn.nspname, m.typname),
        case when not oc.opcdefault
          then 'subtype_opclass = ' || format('%I.%I', ocn.nspname, oc.opcname) end,
        (select 'collation = ' || format('%I.%I', cn.nspname, co.collname)
          from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
          where co.oid = r.rngcollation and co.oid <> st.typcollation),
        (select 'canonical = ' || format('%I.%I', fn.nspname, f.proname)
          from pg_proc f join pg_namespace fn on fn.oid = f.pronamespace
          where f.oid = r.rngcanonical),
        (select 'subtype_diff = ' || format('%I.%I', fn.nspname, f.proname)
          from pg_proc f join pg_namespace fn on fn.oid = f.pronamespace
          where f.oid = r.rngsubdiff)) as definition
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
      join pg_range r on r.rngtypid = t.oid
      join pg_type st on st.oid = r.rngsubtype
      join pg_type m on m.oid = r.rngmultitypid
      join pg_namespace mn on mn.oid = m.typnamespace
      join pg_opclass oc on oc.oid = r.rngsubopc
      join pg_namespace ocn on ocn.oid = oc.opcnamespace
    where ${typesOf(catalog, 'r')}`
  return rows.map((row) => {
    const object = typeObject(
      row,
      'TYPE',
      `CREATE TYPE ${row.name} AS RANGE (\n    ${row.definition}\n)`,
    )
    const multirange = [row.multirange, row.multirange_array].map((oid) =>
      addressOf('pg_type', oid),
    )
    return { ...object, addresses: [...object.addresses, ...multirange] }
  })
}

/** Collations; what each version has to say of one differs. */
export async function readCollations(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql, version } = catalog
  const locale =
    version >= 17 ? sql`c.colllocale` : version >= 15 ? sql`c.colliculocale` : sql`null::text`
  const rules = version >= 16 ? sql`c.collicurules` : sql`null::text`
  const rows = await sql<{ oid: number; name: string; owner: string; definition: string }[]>`
    select c.oid, format('%I.%I', n.nspname, c.collname) as name,
      quote_ident(pg_get_userbyid(c.collowner)) as owner,
      concat_ws(', ',
        'provider = ' || case c.collprovider
          when 'i' then 'icu' when 'b' then 'builtin' when 'd' then 'default' else 'libc' end,
        case when not c.collisdeterministic then 'deterministic = false' end,
        case when ${locale} is not null then format('locale = %L', ${locale})
          when c.collcollate = c.collctype then format('locale = %L', c.collcollate)
          else format('lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype) end,
        'rules = ' || quote_literal(${rules})) as definition
    from pg_collation c join pg_namespace n on n.oid = c.collnamespace
    where ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_collation', sql`c.oid`)}`
  return rows.map((row) => ({
    kind: 'collation',
    name: row.name,
    addresses: [addressOf('pg_collation', row.oid)],
    statements: [`CREATE COLLATION ${row.name} (${row.definition})`],
    ownership: `ALTER COLLATION ${row.name} OWNER TO ${row.owner}`,
  }))
}

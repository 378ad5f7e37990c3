import { type Catalog, firingStates, isNoMember } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

interface PublicationRow {
  oid: number
  name: string
  owner: string
  for_all_tables: boolean
  via_root: boolean
  actions: string
  /** Of generated columns: `none` or `stored`. */
  generated: string
  members: string[]
}

/** Publications. Subscriptions are left out: they hold connection strings. */
export async function readPublications(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql, version } = catalog
  const columns =
    version >= 15
      ? sql`coalesce((select format(' (%s)', string_agg(quote_ident(a.attname), ', ' order by k.at))
          from unnest(r.prattrs) with ordinality k(attnum, at)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum having count(*) > 0), '')
          || coalesce(' WHERE (' || pg_get_expr(r.prqual, c.oid) || ')', '')`
      : sql`''`
  const schemas =
    version >= 15
      ? sql`union all
          select format('ADD TABLES IN SCHEMA %I', n.nspname)
          from pg_publication_namespace pn join pg_namespace n on n.oid = pn.pnnspid
          where pn.pnpubid = p.oid`
      : sql``
  const generated =
    version >= 18 ? sql`case p.pubgencols when 's' then 'stored' else 'none' end` : sql`'none'`
  const rows = await sql<PublicationRow[]>`
    select p.oid, quote_ident(p.pubname) as name, quote_ident(pg_get_userbyid(p.pubowner)) as owner,
      p.puballtables as for_all_tables, p.pubviaroot as via_root, ${generated} as generated,
      concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
        case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end) as actions,
      coalesce((select json_agg(member order by member collate "C") from (
        select format('ADD TABLE ONLY %I.%I', n.nspname, c.relname) || ${columns} as member
        from pg_publication_rel r join pg_class c on c.oid = r.prrelid
          join pg_namespace n on n.oid = c.relnamespace
        where r.prpubid = p.oid ${schemas}) members), '[]'::json) as members
    from pg_publication p
    where ${isNoMember(catalog, 'pg_publication', sql`p.oid`)}`
  return rows.map((row) => {
    const options = [
      `publish = '${row.actions}'`,
      ...(row.via_root ? ['publish_via_partition_root = true'] : []),
      ...(row.generated === 'none' ? [] : [`publish_generated_columns = ${row.generated}`]),
    ]
    const all = row.for_all_tables ? ' FOR ALL TABLES' : ''
    return {
      kind: 'publication',
      name: row.name,
      addresses: [addressOf('pg_publication', row.oid)],
      statements: [
        `CREATE PUBLICATION ${row.name}${all} WITH (${options.join(', ')})`,
        ...row.members.map((member) => `ALTER PUBLICATION ${row.name} ${member}`),
      ],
      ownership: `ALTER PUBLICATION ${row.name} OWNER TO ${row.owner}`,
    }
  })
}

/** Event triggers. */
export async function readEventTriggers(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<
    { oid: number; name: string; owner: string; definition: string; state: string }[]
  >`
    select e.oid, quote_ident(e.evtname) as name, quote_ident(pg_get_userbyid(e.evtowner)) as owner,
      format('%s%s EXECUTE FUNCTION %I.%I()', e.evtevent,
        coalesce((select format(' WHEN TAG IN (%s)', string_agg(quote_literal(tag), ', '
          order by tag collate "C")) from unnest(e.evttags) tag having count(*) > 0), ''),
        n.nspname, f.proname) as definition,
      e.evtenabled as state
    from pg_event_trigger e join pg_proc f on f.oid = e.evtfoid
      join pg_namespace n on n.oid = f.pronamespace
    where ${isNoMember(catalog, 'pg_event_trigger', sql`e.oid`)}`
  return rows.map((row) => {
    const state = firingStates[row.state]
    return {
      kind: 'event trigger',
      name: row.name,
      addresses: [addressOf('pg_event_trigger', row.oid)],
      statements: [
        `CREATE EVENT TRIGGER ${row.name} ON ${row.definition}`,
        ...(state === undefined ? [] : [`ALTER EVENT TRIGGER ${row.name} ${state}`]),
      ],
      ownership: `ALTER EVENT TRIGGER ${row.name} OWNER TO ${row.owner}`,
    }
  })
}

/**
 * What is there and is not written, each with its name: things that only a superuser makes, which on
 * this platform no user is, unless within an extension.
 */
export async function readOmissions(catalog: Catalog): Promise<string[]> {
  const { sql } = catalog
  const rows = await sql<{ name: string }[]>`
    select o.type || ' ' || o.identity as name
    from (
      select 'pg_type'::regclass as catalog, oid from pg_type t
        where t.typtype in ('b', 'p') and t.typelem = 0 and t.typnamespace <> 'pg_catalog'::regnamespace
      union all select 'pg_opclass'::regclass, oid from pg_opclass
      union all select 'pg_opfamily'::regclass, oid from pg_opfamily
      union all select 'pg_am'::regclass, oid from pg_am
      union all select 'pg_language'::regclass, oid from pg_language
      union all select 'pg_transform'::regclass, oid from pg_transform
      union all select 'pg_ts_parser'::regclass, oid from pg_ts_parser
      union all select 'pg_ts_template'::regclass, oid from pg_ts_template) found
      cross join lateral pg_identify_object(found.catalog, found.oid, 0) o
    where found.oid >= 16384 and not exists (
      select from pg_depend e
      where e.classid = found.catalog and e.objid = found.oid and e.deptype = 'e')
    `
  return rows.map((row) => row.name).toSorted()
}

import { type Catalog, firingStates, isNoMember, isUserSchema } from './catalog.ts'
import { addressOf, type Kind, type SchemaObject } from './schema-object.ts'

interface OnTableRow {
  oid: number
  name: string
  table_oid: number
  table_name: string
  definition: string
}

/** Columns that all of these share. */
const place = ({ sql }: Catalog) => sql`
  c.oid as table_oid, format('%I.%I', n.nspname, c.relname) as table_name`

const onUserTable = (catalog: Catalog) => {
  const { sql } = catalog
  return sql`${isUserSchema(catalog, sql`n.nspname`)} and ${isNoMember(catalog, 'pg_class', sql`c.oid`)}`
}

const onTable = (
  kind: Kind,
  catalogName: string,
  row: OnTableRow,
  statements: readonly string[],
): SchemaObject => ({
  kind,
  name: `${row.table_name} ${row.name}`,
  addresses: [addressOf(catalogName, row.oid)],
  after: [addressOf('pg_class', row.table_oid)],
  statements,
})

interface TriggerRow extends OnTableRow {
  state: string
  /** Of the trigger that a partitioned parent gave to its partition. */
  parent_state: string | null
}

/** Triggers. A partition has its parent's by itself, and only their state can be its own. */
export async function readTriggers(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<TriggerRow[]>`
    select g.oid, quote_ident(g.tgname) as name, ${place(catalog)},
      pg_get_triggerdef(g.oid) as definition, g.tgenabled as state, pg.tgenabled as parent_state
    from pg_trigger g join pg_class c on c.oid = g.tgrelid
      join pg_namespace n on n.oid = c.relnamespace
      left join pg_trigger pg on pg.oid = g.tgparentid
    where not g.tgisinternal and ${onUserTable(catalog)}
      and ${isNoMember(catalog, 'pg_trigger', sql`g.oid`)}
      and (g.tgparentid = 0 or g.tgenabled <> pg.tgenabled)`
  return rows.map((row) => {
    const standard = row.parent_state ?? 'O'
    const state = firingStates[row.state] ?? 'ENABLE'
    return onTable('trigger', 'pg_trigger', row, [
      ...(row.parent_state === null ? [row.definition] : []),
      ...(row.state === standard
        ? []
        : [`ALTER TABLE ${row.table_name} ${state} TRIGGER ${row.name}`]),
    ])
  })
}

/** Rules, but for those that make views. */
export async function readRules(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<(OnTableRow & { state: string })[]>`
    select r.oid, quote_ident(r.rulename) as name, ${place(catalog)},
      pg_get_ruledef(r.oid) as definition, r.ev_enabled as state
    from pg_rewrite r join pg_class c on c.oid = r.ev_class
      join pg_namespace n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN' and ${onUserTable(catalog)}
      and ${isNoMember(catalog, 'pg_rewrite', sql`r.oid`)}`
  return rows.map((row) => {
    const state = firingStates[row.state]
    return onTable('rule', 'pg_rewrite', row, [
      row.definition.trimEnd().replace(/;$/, ''),
      ...(state === undefined ? [] : [`ALTER TABLE ${row.table_name} ${state} RULE ${row.name}`]),
    ])
  })
}

/** Policies of row level security. */
export async function readPolicies(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<OnTableRow[]>`
    select p.oid, quote_ident(p.polname) as name, ${place(catalog)},
      case when p.polpermissive then '' else E'\n    AS RESTRICTIVE' end
      || case p.polcmd when 'r' then E'\n    FOR SELECT' when 'a' then E'\n    FOR INSERT'
        when 'w' then E'\n    FOR UPDATE' when 'd' then E'\n    FOR DELETE' else '' end
      || coalesce(E'\n    TO ' || (
        select string_agg(quote_ident(a.rolname), ', ' order by a.rolname collate "C")
        from pg_roles a where a.oid = any (p.polroles)), '')
      || coalesce(E'\n    USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
      || coalesce(E'\n    WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
      as definition
    from pg_policy p join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
    where ${onUserTable(catalog)}`
  return rows.map((row) =>
    onTable('policy', 'pg_policy', row, [
      `CREATE POLICY ${row.name} ON ${row.table_name}${row.definition}`,
    ]),
  )
}

/** Extended statistics. */
export async function readStatistics(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<
    { oid: number; name: string; owner: string; definition: string; target: number }[]
  >`
    select s.oid, format('%I.%I', n.nspname, s.stxname) as name,
      quote_ident(pg_get_userbyid(s.stxowner)) as owner,
      pg_get_statisticsobjdef(s.oid) as definition, coalesce(s.stxstattarget, -1) as target
    from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
    where ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_statistic_ext', sql`s.oid`)}`
  return rows.map((row) => ({
    kind: 'statistics',
    name: row.name,
    addresses: [addressOf('pg_statistic_ext', row.oid)],
    statements: [
      row.definition,
      ...(row.target < 0 ? [] : [`ALTER STATISTICS ${row.name} SET STATISTICS ${row.target}`]),
    ],
    ownership: `ALTER STATISTICS ${row.name} OWNER TO ${row.owner}`,
  }))
}

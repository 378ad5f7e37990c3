import type { Fragment, ISql } from 'postgres'

import { type Catalog, isUserSchema } from './catalog.ts'
import { type Grant, privilegeStatements } from './grants.ts'
import { type Address, addressOf } from './schema-object.ts'

/** The items of an access list, with quoted names. */
export const explodeAcl = (sql: ISql, acl: Fragment): Fragment => sql`coalesce((
  select json_agg(json_build_object(
    'grantor', quote_ident(pg_get_userbyid(x.grantor)),
    'grantee', case when x.grantee <> 0 then quote_ident(pg_get_userbyid(x.grantee)) end,
    'privilege', x.privilege_type, 'grantable', x.is_grantable)
    order by x.privilege_type collate "C")
  from aclexplode(${acl}) x), '[]'::json)`

interface AclRow {
  catalog: string
  oid: number
  target: string
  column_name: string | null
  owner: string
  held: Grant[]
  standard: Grant[]
  all: string[]
}

/** Who may do what, where it is not what a new object has; with the object that it is about. */
export async function readPrivileges(
  catalog: Catalog,
): Promise<{ address: Address; statements: string[] }[]> {
  const { sql } = catalog
  // What an extension's script has granted comes with the extension.
  const rows = await sql<AclRow[]>`
    with items as (${accessLists(catalog)})
    select catalog::regclass::text as catalog, oid, target, column_name,
      quote_ident(pg_get_userbyid(owner)) as owner,
      ${explodeAcl(sql, sql`items.acl`)} as held,
      ${explodeAcl(sql, sql`coalesce(init.initprivs, items.standard)`)} as standard,
      array_to_json(array(select privilege_type from aclexplode(acldefault(items.kind, items.owner))
        where grantee = items.owner)) as all
    from items left join pg_init_privs init on init.classoid = items.catalog
      and init.objoid = items.oid and init.objsubid = items.sub and not items.is_public
    where items.acl is not null or init.initprivs is not null
    order by items.sub`
  return rows.flatMap((row) => {
    const statements = privilegeStatements({ ...row, column: row.column_name ?? undefined })
    return statements.length > 0 ? [{ address: addressOf(row.catalog, row.oid), statements }] : []
  })
}

function accessLists(catalog: Catalog): Fragment {
  const { sql } = catalog
  const inUserSchema = isUserSchema(catalog, sql`n.nspname`)
  return sql`
    select 'pg_namespace'::regclass as catalog, n.oid, 0 as sub, null::text as column_name,
      'n'::"char" as kind, n.nspowner as owner, format('SCHEMA %I', n.nspname) as target,
      coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl, n.nspname = 'public' as is_public,
      case when n.nspname = 'public'
        then acldefault('n', n.nspowner) || makeaclitem(0, n.nspowner, 'USAGE', false)
        else acldefault('n', n.nspowner) end as standard
    from pg_namespace n where ${inUserSchema}
    union all
    select 'pg_class'::regclass, c.oid, 0, null,
      case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner,
      format('%s %I.%I', case c.relkind when 'S' then 'SEQUENCE' else 'TABLE' end,
        n.nspname, c.relname),
      c.relacl, false, acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${inUserSchema}
    union all
    select 'pg_class'::regclass, c.oid, a.attnum, quote_ident(a.attname), 'c', c.relowner,
      format('TABLE %I.%I', n.nspname, c.relname), a.attacl, false, acldefault('c', c.relowner)
    from pg_attribute a join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
    where a.attacl is not null and not a.attisdropped and ${inUserSchema}
    union all
    select 'pg_proc'::regclass, p.oid, 0, null, 'f', p.proowner,
      format('%s %I.%I(%s)', case p.prokind when 'p' then 'PROCEDURE' else 'FUNCTION' end,
        n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
      p.proacl, false, acldefault('f', p.proowner)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${inUserSchema}
    union all
    select 'pg_type'::regclass, t.oid, 0, null, 'T', t.typowner,
      format('TYPE %I.%I', n.nspname, t.typname), t.typacl, false, acldefault('T', t.typowner)
    from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${inUserSchema}
    union all
    select 'pg_foreign_data_wrapper'::regclass, w.oid, 0, null, 'F', w.fdwowner,
      format('FOREIGN DATA WRAPPER %I', w.fdwname), w.fdwacl, false, acldefault('F', w.fdwowner)
    from pg_foreign_data_wrapper w
    union all
    select 'pg_foreign_server'::regclass, s.oid, 0, null, 'S', s.srvowner,
      format('FOREIGN SERVER %I', s.srvname), s.srvacl, false, acldefault('S', s.srvowner)
    from pg_foreign_server s
    union all
    select 'pg_language'::regclass, l.oid, 0, null, 'l', l.lanowner,
      format('LANGUAGE %I', l.lanname), l.lanacl, false, acldefault('l', l.lanowner)
    from pg_language l where l.lanpltrusted and l.oid >= 16384`
}

/** What objects are to be granted from the moment they are made. */
export async function readDefaultPrivileges({ sql }: Catalog): Promise<string[]> {
  const rows = await sql<(Omit<AclRow, 'catalog' | 'oid' | 'column_name'> & { prefix: string })[]>`
    select quote_ident(pg_get_userbyid(d.defaclrole)) as owner,
      format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s ', pg_get_userbyid(d.defaclrole),
        coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '')) as prefix,
      case d.defaclobjtype when 'r' then 'TABLES' when 'S' then 'SEQUENCES' when 'f' then 'FUNCTIONS'
        when 'T' then 'TYPES' when 'n' then 'SCHEMAS' else 'LARGE OBJECTS' end as target,
      ${explodeAcl(sql, sql`d.defaclacl`)} as held,
      ${explodeAcl(sql, sql`case when d.defaclnamespace = 0 then acldefault(kind.code, d.defaclrole) end`)}
        as standard,
      array_to_json(array(select privilege_type from aclexplode(acldefault(kind.code, d.defaclrole))
        where grantee = d.defaclrole)) as all
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
      cross join lateral (
        select case d.defaclobjtype when 'S' then 's'::"char" else d.defaclobjtype end as code) kind`
  const key = (row: (typeof rows)[number]): string => row.prefix + row.target
  return rows
    .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    .flatMap((row) => privilegeStatements(row))
}

import type { Session } from '../session.ts'
import { idOf, type Schema, type SchemaObject } from './schema-object.ts'

/** Reads the schema of a database: all but what is PostgreSQL's, an extension's, or our ledger's. */
export async function readSchema(session: Session): Promise<Schema> {
  const rows = await withPlainPath(session, async () =>
    session.sql.unsafe<Array<{ objects: string }>>(query),
  )
  const objects = JSON.parse(rows[0]?.objects ?? '[]') as SchemaObject[]
  return new Map(objects.map((object) => [idOf(object), object]))
}

/** Runs `work` where PostgreSQL writes every name of a user's with its schema. */
export async function withPlainPath<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // To compile queries of the catalogs takes longer than to run them.
  await session.run(`set search_path = pg_catalog; set jit = off`)
  const result = await work()
  // After an error the transaction has failed, and the setting goes with it.
  await session.run(`reset search_path; reset jit`)
  return result
}

const quoted = (name: string) => `'"' || replace(${name}, '"', '""') || '"'`
const notOfExtension = (catalog: string, oid: string) =>
  `not exists (select from ext where ext.classid = '${catalog}'::regclass and ext.objid = ${oid})`

/** Things that statements can name, which have owners, grants and comments. */
const things = `
  ext as materialized (
    select classid, objid from pg_depend where deptype = 'e' and refclassid = 'pg_extension'::regclass
  ),
  ns as materialized (
    select oid, nspowner, nspacl, ${quoted('nspname')} as key
    from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'coppice')
  ),
  rel as materialized (
    select c.*, ns.key || '.' || ${quoted('c.relname')} as key,
      case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
        when 'm' then 'materialized view' when 'f' then 'foreign table' when 'S' then 'sequence'
        when 'c' then 'composite type' else 'index' end as kind
    from pg_class c join ns on ns.oid = c.relnamespace
    where ${notOfExtension('pg_class', 'c.oid')} and c.relpersistence <> 't'
  ),
  own_sequence as materialized (
    select d.objid as oid, d.deptype, d.refobjid as relid, a.attnum, rel.key || '.' || ${quoted('a.attname')} as key
    from pg_depend d join rel on rel.oid = d.refobjid
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i') and exists (select from rel s where s.oid = d.objid and s.relkind = 'S')
  ),
  att as materialized (
    select a.*, rel.key as table_key, rel.kind as table_kind, rel.relkind, rel.relispartition,
      rel.key || '.' || ${quoted('a.attname')} as key, ${quoted('a.attname')} as name,
      format_type(a.atttypid, a.atttypmod)
        || case when a.attcollation <> 0 and a.attcollation <> t.typcollation
          then (select ' collate ' || ${quoted('n.nspname')} || '.' || ${quoted('co.collname')}
            from pg_collation co join pg_namespace n on n.oid = co.collnamespace where co.oid = a.attcollation)
          else '' end as type,
      pg_get_expr(ad.adbin, ad.adrelid) as expression, t.typstorage
    from pg_attribute a join rel on rel.oid = a.attrelid join pg_type t on t.oid = a.atttypid
    left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped and rel.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
  ),
  proc as materialized (
    select p.*, ns.key || '.' || ${quoted('p.proname')} || '(' || pg_get_function_identity_arguments(p.oid) || ')' as key,
      case when p.prokind = 'a' then 'aggregate' when l.lanname in ('c', 'internal') then 'C function'
        else 'function' end as kind
    from pg_proc p join ns on ns.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where ${notOfExtension('pg_proc', 'p.oid')} and not exists (
      select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
  ),
  typ as materialized (
    select t.*, ns.key || '.' || ${quoted('t.typname')} as key,
      case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range type'
        when 'c' then 'composite type' else 'base type' end as kind
    from pg_type t join ns on ns.oid = t.typnamespace
    where ${notOfExtension('pg_type', 't.oid')} and t.typtype <> 'm'
      and not exists (select from pg_type e where e.typarray = t.oid)
      and (t.typtype <> 'c' or exists (select from rel where rel.oid = t.typrelid and rel.relkind = 'c'))
  ),
  con as materialized (
    select c.*, rel.key as table_key, rel.key || '.' || ${quoted('c.conname')} as key, ${quoted('c.conname')} as name
    from pg_constraint c join rel on rel.oid = c.conrelid
    where c.contype in ('c', 'f', 'p', 'u', 'x') and c.conparentid = 0 and c.conislocal
      and ${notOfExtension('pg_constraint', 'c.oid')}
  ),
  trg as materialized (
    select t.*, rel.kind as table_kind, rel.key as table_key, rel.key || '.' || ${quoted('t.tgname')} as key, ${quoted('t.tgname')} as name
    from pg_trigger t join rel on rel.oid = t.tgrelid where not t.tgisinternal and t.tgparentid = 0
  ),
  pol as materialized (
    select p.*, rel.key as table_key, rel.key || '.' || ${quoted('p.polname')} as key, ${quoted('p.polname')} as name
    from pg_policy p join rel on rel.oid = p.polrelid
  ),
  thing as materialized (
    select 'pg_namespace'::regclass as classid, oid, 'schema ' || key as id, 'schema ' || key as target,
      nspowner as owner, nspacl as acl, 'n'::"char" as acl_kind, 'schema ' || key as acl_target from ns
      where ${notOfExtension('pg_namespace', 'ns.oid')}
    union all select 'pg_class'::regclass, oid, kind || ' ' || key,
      case when kind = 'composite type' then 'type' else kind end || ' ' || key,
      case when oid in (select oid from own_sequence) or kind = 'index' then 0 else relowner end, relacl,
      case when relkind = 'S' then 's'::"char" when relkind in ('r', 'p', 'v', 'm', 'f') then 'r'::"char" end,
      case when relkind = 'S' then 'sequence ' else 'table ' end || key from rel
      where oid not in (select oid from own_sequence where deptype = 'i')
    union all select 'pg_proc'::regclass, oid, kind || ' ' || key,
      'routine ' || key, proowner, proacl, 'f', 'routine ' || key
      from proc where kind <> 'aggregate'
    union all select 'pg_type'::regclass, oid, kind || ' ' || key,
      case when kind = 'domain' then 'domain ' else 'type ' end || key, typowner, typacl, 'T', 'type ' || key
      from typ where kind <> 'composite type'
    union all select 'pg_constraint'::regclass, oid, 'constraint ' || key,
      'constraint ' || name || ' on ' || table_key, 0, null, null, null from con
    union all select 'pg_trigger'::regclass, oid, 'trigger ' || key,
      'trigger ' || name || ' on ' || table_key, 0, null, null, null from trg
    union all select 'pg_policy'::regclass, oid, 'policy ' || key,
      'policy ' || name || ' on ' || table_key, 0, null, null, null from pol
  )`

interface Part {
  kind: string
  key: string
  parent?: string
  definition: string
  data?: string
  from: string
}

const options = (sequence: string) => `'as ' || format_type(${sequence}.seqtypid, null)
  || ' increment by ' || ${sequence}.seqincrement || ' minvalue ' || ${sequence}.seqmin
  || ' maxvalue ' || ${sequence}.seqmax || ' start with ' || ${sequence}.seqstart
  || ' cache ' || ${sequence}.seqcache || case when ${sequence}.seqcycle then ' cycle' else ' no cycle' end`
const reloptions = (relation: string) =>
  `(select string_agg(o.option_name || '=' || quote_literal(o.option_value), ', ' order by o.option_name)
    from pg_options_to_table(${relation}.reloptions) o)`
const generatedClause = `case att.attgenerated when 'v' then 'virtual' else 'stored' end`

const parts: Part[] = [
  {
    kind: `'schema'`,
    key: 'key',
    definition: `''`,
    from: `ns where ${notOfExtension('pg_namespace', 'ns.oid')}`,
  },
  {
    kind: `'extension'`,
    key: quoted('e.extname'),
    definition: `'schema ' || ${quoted('n.nspname')} || ' version ' || quote_literal(e.extversion)`,
    data: `jsonb_build_object('name', e.extname)`,
    from: `pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'`,
  },
  {
    kind: `'enum'`,
    key: 'key',
    definition: `(select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = typ.oid)`,
    data: `jsonb_build_object('target', 'type ' || key)`,
    from: `typ where kind = 'enum'`,
  },
  {
    kind: `'domain'`,
    key: 'key',
    definition: `'as ' || format_type(typbasetype, typtypmod) || coalesce(' default ' || typdefault, '')
      || case when typnotnull then ' not null' else '' end
      || coalesce((select string_agg(' constraint ' || ${quoted('conname')} || ' ' || pg_get_constraintdef(c.oid), '' order by conname)
        from pg_constraint c where c.contypid = typ.oid and c.contype = 'c'), '')`,
    from: `typ where kind = 'domain'`,
  },
  {
    kind: `'composite type'`,
    key: 'key',
    definition: `'as (' || coalesce((select string_agg(att.name || ' ' || att.type, ', ' order by att.attnum) from att where att.attrelid = rel.oid), '') || ')'`,
    from: `rel where relkind = 'c'`,
  },
  {
    kind: 'kind',
    key: 'key',
    definition: `(to_jsonb(typ) - 'oid' - 'typarray' - 'typacl')::text || coalesce((select (to_jsonb(r) - 'rngtypid' - 'rngmultitypid')::text from pg_range r where r.rngtypid = typ.oid), '')`,
    from: `typ where kind in ('range type', 'base type')`,
  },
  {
    kind: `'sequence'`,
    key: 'rel.key',
    parent: `(select 'table ' || o.table_key from (select own.oid, r.key as table_key from own_sequence own join rel r on r.oid = own.relid) o where o.oid = rel.oid)`,
    definition: `${options('s')} || ' owned by ' || coalesce((select own.key from own_sequence own where own.oid = rel.oid), 'none')`,
    from: `rel join pg_sequence s on s.seqrelid = rel.oid where rel.oid not in (select oid from own_sequence where deptype = 'i')`,
  },
  {
    kind: `'identity'`,
    key: 'own.key',
    parent: `'column ' || own.key`,
    definition: options('s'),
    data: `jsonb_build_object('target', (select 'table ' || key from rel where rel.oid = own.relid),
      'name', (select attname from pg_attribute a where a.attrelid = own.relid and a.attnum = own.attnum))`,
    from: `own_sequence own join pg_sequence s on s.seqrelid = own.oid where own.deptype = 'i'`,
  },
  {
    kind: `'table'`,
    key: 'key',
    parent: `(select 'table ' || p.key from pg_inherits i join rel p on p.oid = i.inhparent where i.inhrelid = rel.oid and rel.relispartition)`,
    definition: `case relpersistence when 'u' then 'unlogged ' else '' end || 'table'
      || coalesce(' partition by ' || pg_get_partkeydef(oid), '')
      || coalesce((select ' inherits ' || string_agg(p.key, ', ' order by i.inhseqno) from pg_inherits i join rel p on p.oid = i.inhparent where i.inhrelid = rel.oid), '')
      || coalesce(' ' || pg_get_expr(relpartbound, oid), '')
      || coalesce(' of ' || (select t.typname from pg_type t where t.oid = rel.reloftype), '')`,
    data: `jsonb_build_object('target', 'table ' || key,
      'of', (select p.key from pg_inherits i join rel p on p.oid = i.inhparent where i.inhrelid = rel.oid and rel.relispartition),
      'inherits', (select string_agg(p.key, ', ' order by i.inhseqno) from pg_inherits i join rel p on p.oid = i.inhparent where i.inhrelid = rel.oid and not rel.relispartition),
      'bound', pg_get_expr(relpartbound, oid), 'partition_key', pg_get_partkeydef(oid))`,
    from: `rel where kind = 'table'`,
  },
  {
    kind: `'table options'`,
    key: 'key',
    parent: `'table ' || key`,
    definition: reloptions('rel'),
    data: `jsonb_build_object('target', 'table ' || key)`,
    from: `rel where kind = 'table' and reloptions is not null`,
  },
  {
    kind: `'view options'`,
    key: 'key',
    parent: `kind || ' ' || key`,
    definition: reloptions('rel'),
    data: `jsonb_build_object('target', kind || ' ' || key)`,
    from: `rel where kind in ('view', 'materialized view') and reloptions is not null`,
  },
  {
    kind: `'row security'`,
    key: 'key',
    parent: `'table ' || key`,
    definition: `case when relrowsecurity then 'enable' else 'disable' end || case when relforcerowsecurity then ', force' else ', no force' end`,
    data: `jsonb_build_object('target', 'table ' || key)`,
    from: `rel where kind = 'table' and (relrowsecurity or relforcerowsecurity)`,
  },
  {
    kind: `'replica identity'`,
    key: 'key',
    parent: `'table ' || key`,
    definition: `relreplident::text || coalesce((select ' ' || i.key from pg_index x join rel i on i.oid = x.indexrelid where x.indrelid = rel.oid and x.indisreplident), '')`,
    from: `rel where kind = 'table' and relreplident <> 'd'`,
  },
  {
    kind: `'column'`,
    key: 'att.key',
    parent: `'table ' || table_key`,
    definition: `name || ' ' || type
      || case when attgenerated <> '' then ' generated always as (' || expression || ') ' || ${generatedClause}
        when attidentity = 'a' then ' generated always as identity'
        when attidentity = 'd' then ' generated by default as identity'
        else coalesce(' default ' || expression, '') end
      || case when attnotnull then ' not null' else '' end`,
    data: `jsonb_build_object('name', attname, 'type', type, 'default', expression, 'target', 'table ' || table_key,
      'generated', case when attgenerated <> '' then ${generatedClause} else '' end)`,
    from: `att where relkind in ('r', 'p') and not relispartition and (attislocal or attinhcount = 0)`,
  },
  {
    kind: `'partition default'`,
    key: 'att.key',
    parent: `'table ' || table_key`,
    definition: `coalesce(expression, 'none')`,
    from: `att where relispartition and attgenerated = '' and expression is distinct from (
      select p.expression from att p join pg_inherits i on i.inhparent = p.attrelid
      where i.inhrelid = att.attrelid and p.attname = att.attname)`,
  },
  {
    kind: `'column setting'`,
    key: 'att.key',
    parent: `'column ' || att.key`,
    definition: `concat_ws(', ', case when attstorage <> typstorage then 'storage ' || attstorage::text end,
      case when attcompression <> '' then 'compression ' || attcompression::text end,
      case when coalesce(attstattarget, -1) >= 0 then 'statistics ' || attstattarget end, attoptions::text)`,
    from: `att where relkind in ('r', 'p') and not relispartition and (attstorage <> typstorage
      or attcompression <> '' or coalesce(attstattarget, -1) >= 0 or attoptions is not null)`,
  },
  {
    kind: `'constraint'`,
    key: 'key',
    parent: `'table ' || table_key`,
    definition: `pg_get_constraintdef(oid)`,
    data: `jsonb_build_object('target', 'constraint ' || name || ' on ' || table_key, 'name', name, 'of', table_key)`,
    from: 'con',
  },
  {
    kind: `'index'`,
    key: 'i.key',
    parent: `t.kind || ' ' || t.key`,
    definition: `pg_get_indexdef(i.oid)`,
    from: `rel i join pg_index x on x.indexrelid = i.oid join rel t on t.oid = x.indrelid
      where not i.relispartition and not exists (select from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u', 'x'))`,
  },
  {
    kind: 'kind',
    key: 'key',
    definition: `pg_get_viewdef(oid)`,
    from: `rel where relkind in ('v', 'm')`,
  },
  {
    kind: `'function'`,
    key: 'key',
    definition: `pg_get_functiondef(oid)`,
    from: `proc where kind = 'function'`,
  },
  {
    kind: 'kind',
    key: 'key',
    definition: `(to_jsonb(proc) - 'oid' - 'proacl')::text || coalesce((select (to_jsonb(a) - 'aggfnoid')::text from pg_aggregate a where a.aggfnoid = proc.oid), '')`,
    from: `proc where kind <> 'function'`,
  },
  {
    kind: `'trigger'`,
    key: 'key',
    parent: `table_kind || ' ' || table_key`,
    definition: `pg_get_triggerdef(oid) || case tgenabled when 'O' then '' when 'D' then ' disabled' when 'A' then ' always' else ' replica' end`,
    data: `jsonb_build_object('target', 'trigger ' || name || ' on ' || table_key, 'name', name, 'of', table_key, 'enabled', tgenabled,
      'statement', pg_get_triggerdef(oid))`,
    from: 'trg',
  },
  {
    kind: `'policy'`,
    key: 'key',
    parent: `'table ' || table_key`,
    definition: `'as ' || case when polpermissive then 'permissive' else 'restrictive' end || ' for '
      || case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end
      || ' to ' || (select string_agg(case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ' order by r) from unnest(polroles) r)
      || coalesce(' using (' || pg_get_expr(polqual, polrelid) || ')', '')
      || coalesce(' with check (' || pg_get_expr(polwithcheck, polrelid) || ')', '')`,
    data: `jsonb_build_object('target', 'policy ' || name || ' on ' || table_key, 'name', name, 'of', table_key)`,
    from: 'pol',
  },
  {
    kind: `'rule'`,
    key: `rel.key || '.' || ${quoted('r.rulename')}`,
    parent: `rel.kind || ' ' || rel.key`,
    definition: `pg_get_ruledef(r.oid)`,
    data: `jsonb_build_object('target', 'rule ' || ${quoted('r.rulename')} || ' on ' || rel.key)`,
    from: `pg_rewrite r join rel on rel.oid = r.ev_class where r.rulename <> '_RETURN'`,
  },
  {
    kind: `'statistics'`,
    key: `ns.key || '.' || ${quoted('s.stxname')}`,
    parent: `(select kind || ' ' || key from rel where rel.oid = s.stxrelid)`,
    definition: `pg_get_statisticsobjdef(s.oid)`,
    data: `jsonb_build_object('target', 'statistics ' || ns.key || '.' || ${quoted('s.stxname')})`,
    from: `pg_statistic_ext s join ns on ns.oid = s.stxnamespace`,
  },
  {
    kind: `'owner'`,
    key: 'id',
    parent: 'id',
    definition: `quote_ident(pg_get_userbyid(owner))`,
    data: `jsonb_build_object('target', target)`,
    from: 'thing where owner <> 0',
  },
  {
    kind: `'grant'`,
    key: `g.id || ' to ' || g.grantee`,
    parent: 'g.id',
    definition: 'g.privileges',
    data: `jsonb_build_object('target', g.acl_target, 'grantee', g.grantee, 'columns', g.columns)`,
    from: `(
      select id, acl_target, columns, grantee, string_agg(privilege, ', ' order by privilege) as privileges from (
        select id, acl_target, '' as columns, acl, acl_kind, owner from thing where acl_kind is not null
        union all select 'column ' || key, 'table ' || table_key, ' (' || name || ')', attacl, null, 0
          from att where attacl is not null
      ) o, lateral (
        select case when e.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(e.grantee)) end as grantee,
          e.privilege_type || case when e.is_grantable then '*' else '' end as privilege
        from aclexplode(coalesce(acl, acldefault(acl_kind, owner))) e where e.grantee <> owner
      ) e group by 1, 2, 3, 4
    ) g`,
  },
  {
    kind: `'comment'`,
    key: 'c.id',
    parent: 'c.id',
    definition: 'quote_literal(c.description)',
    data: `jsonb_build_object('target', c.target)`,
    from: `(
      select thing.id, thing.target, d.description from pg_description d
        join thing on thing.classid = d.classoid and thing.oid = d.objoid where d.objsubid = 0
      union all select 'column ' || att.key, 'column ' || att.key, d.description from pg_description d
        join att on d.classoid = 'pg_class'::regclass and att.attrelid = d.objoid and att.attnum = d.objsubid
        where att.relkind in ('r', 'p') and not att.relispartition
    ) c`,
  },
  {
    kind: `'foreign table'`,
    key: 'rel.key',
    definition: `(to_jsonb(f) - 'ftrelid')::text || (select string_agg(att.name || ' ' || att.type || case when attnotnull then ' not null' else '' end, ', ' order by attnum) from att where att.attrelid = rel.oid)`,
    from: `rel join pg_foreign_table f on f.ftrelid = rel.oid`,
  },
  catalogOf('foreign server', 'pg_foreign_server', 'srvname'),
  {
    kind: `'publication'`,
    key: quoted('pubname'),
    definition: `(to_jsonb(p) - 'oid')::text || coalesce((select string_agg(t.schemaname || '.' || t.tablename, ', ' order by 1) from pg_publication_tables t where t.pubname = p.pubname and not p.puballtables), '')`,
    from: `pg_publication p`,
  },
  catalogOf('event trigger', 'pg_event_trigger', 'evtname'),
  {
    kind: `'default privileges'`,
    key: `quote_ident(pg_get_userbyid(d.defaclrole)) || coalesce(' in ' || ns.key, '') || ' on ' || d.defaclobjtype::text`,
    definition: 'd.defaclacl::text',
    from: `pg_default_acl d left join ns on ns.oid = d.defaclnamespace`,
  },
  {
    kind: `'cast'`,
    key: `format_type(c.castsource, null) || ' as ' || format_type(c.casttarget, null)`,
    definition: `(to_jsonb(c) - 'oid')::text`,
    from: `pg_cast c where c.oid >= 16384 and ${notOfExtension('pg_cast', 'c.oid')} and not exists (
      select from pg_depend d where d.classid = 'pg_cast'::regclass and d.objid = c.oid and d.deptype = 'i')`,
  },
  catalogOf('collation', 'pg_collation', 'collname', 'collnamespace'),
  {
    kind: `'operator'`,
    key: `x.oid::regoperator::text`,
    definition: `(to_jsonb(x) - 'oid')::text`,
    from: `pg_operator x join ns on ns.oid = x.oprnamespace where ${notOfExtension('pg_operator', 'x.oid')}`,
  },
  catalogOf('operator class', 'pg_opclass', 'opcname', 'opcnamespace'),
  catalogOf('text search configuration', 'pg_ts_config', 'cfgname', 'cfgnamespace'),
  catalogOf('text search dictionary', 'pg_ts_dict', 'dictname', 'dictnamespace'),
]

/** Objects that are only compared: their rows of the catalog are the definition. */
function catalogOf(kind: string, catalog: string, name: string, namespace?: string): Part {
  return {
    kind: `'${kind}'`,
    key: namespace === undefined ? quoted(`x.${name}`) : `ns.key || '.' || ${quoted(`x.${name}`)}`,
    definition: `(to_jsonb(x) - 'oid')::text`,
    from:
      `${catalog} x ${namespace === undefined ? '' : `join ns on ns.oid = x.${namespace}`}` +
      ` where ${notOfExtension(catalog, 'x.oid')}`,
  }
}

const query = `with ${things}, object as (
  ${parts
    .map(
      ({ kind, key, parent = 'null', definition, data = `'{}'::jsonb`, from }) =>
        `select ${kind}::text as kind, ${key} as key, ${parent}::text as parent, ${definition} as definition, ${data} as data from ${from}`,
    )
    .join('\nunion all ')}
)
select coalesce(json_agg(object order by kind, key), '[]')::text as objects from object`

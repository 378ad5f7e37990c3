import { type Catalog, isNoMember, isUserSchema } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

/** Dictionaries and configurations of full text search. */
export async function readTextSearch(catalog: Catalog): Promise<SchemaObject[]> {
  return [...(await readDictionaries(catalog)), ...(await readConfigurations(catalog))]
}

async function readDictionaries(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<
    { oid: number; name: string; owner: string; template: string; options: string | null }[]
  >`
    select d.oid, format('%I.%I', n.nspname, d.dictname) as name,
      quote_ident(pg_get_userbyid(d.dictowner)) as owner,
      format('%I.%I', tn.nspname, t.tmplname) as template, d.dictinitoption as options
    from pg_ts_dict d join pg_namespace n on n.oid = d.dictnamespace
      join pg_ts_template t on t.oid = d.dicttemplate
      join pg_namespace tn on tn.oid = t.tmplnamespace
    where ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_ts_dict', sql`d.oid`)}`
  return rows.map((row) => ({
    kind: 'text search dictionary',
    name: row.name,
    addresses: [addressOf('pg_ts_dict', row.oid)],
    // The options stand in the catalog as they are written here.
    statements: [
      `CREATE TEXT SEARCH DICTIONARY ${row.name} (\n    TEMPLATE = ${row.template}` +
        `${row.options === null ? '' : `,\n    ${row.options}`}\n)`,
    ],
    ownership: `ALTER TEXT SEARCH DICTIONARY ${row.name} OWNER TO ${row.owner}`,
  }))
}

async function readConfigurations(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<
    { oid: number; name: string; owner: string; parser: string; mappings: string[] }[]
  >`
    select c.oid, format('%I.%I', n.nspname, c.cfgname) as name,
      quote_ident(pg_get_userbyid(c.cfgowner)) as owner,
      format('%I.%I', pn.nspname, p.prsname) as parser,
      coalesce((
        select json_agg(mapping order by token collate "C") from (
          select tt.alias as token, format('ADD MAPPING FOR %I WITH %s', tt.alias,
            string_agg(format('%I.%I', dn.nspname, d.dictname), ', ' order by m.mapseqno)) as mapping
          from pg_ts_config_map m
            join ts_token_type(c.cfgparser) tt on tt.tokid = m.maptokentype
            join pg_ts_dict d on d.oid = m.mapdict
            join pg_namespace dn on dn.oid = d.dictnamespace
          where m.mapcfg = c.oid group by tt.alias) mappings), '[]'::json) as mappings
    from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace
      join pg_ts_parser p on p.oid = c.cfgparser join pg_namespace pn on pn.oid = p.prsnamespace
    where ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_ts_config', sql`c.oid`)}`
  return rows.map((row) => ({
    kind: 'text search configuration',
    name: row.name,
    addresses: [addressOf('pg_ts_config', row.oid)],
    statements: [
      `CREATE TEXT SEARCH CONFIGURATION ${row.name} (PARSER = ${row.parser})`,
      ...row.mappings.map(
        (mapping) => `ALTER TEXT SEARCH CONFIGURATION ${row.name}\n    ${mapping}`,
      ),
    ],
    ownership: `ALTER TEXT SEARCH CONFIGURATION ${row.name} OWNER TO ${row.owner}`,
  }))
}

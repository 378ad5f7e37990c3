import type { Sql } from 'postgres'

import { type Grant, privilegeStatements } from '../schema/grants.ts'
import { explodeAcl } from '../schema/privileges.ts'
import { quoteIdentifier, quoteLiteral } from './object-names.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

interface DatabaseRow {
  name: string
  owner: string
  connection_limit: number
  comment: string | null
  held: Grant[]
  standard: Grant[]
  all: string[]
  /** How its text is encoded and sorted, as options of CREATE DATABASE. */
  locale: string
}

/**
 * Makes the databases of another cluster anew, empty, with their owners, privileges and locales, and
 * answers their names. What an earlier attempt has left is dropped first.
 */
export async function copyEmptyDatabases(from: Cluster, to: Cluster): Promise<string[]> {
  const users = async (sql: Sql): Promise<DatabaseRow[]> =>
    readDatabases(
      sql,
      sql`d.datname not in ('postgres', 'template0', 'template1') and d.datallowconn`,
    )
  const databases = await from.withSuperuser(platformDatabase, users)
  await to.withSuperuser(platformDatabase, async (sql) => {
    for (const { name } of await users(sql)) {
      await sql.unsafe(`drop database ${quoteIdentifier(name)} with (force)`)
    }
    const [template] = await readDatabases(sql, sql`d.datname = 'template1'`)
    for (const database of databases) await make(sql, database, template?.locale)
  })
  return databases.map((database) => database.name)
}

async function readDatabases(sql: Sql, which: ReturnType<Sql>): Promise<DatabaseRow[]> {
  const [row] = await sql<{ version: number }[]>`
    select current_setting('server_version_num')::integer / 10000 as version`
  const version = row?.version ?? 0
  const provided =
    version >= 17 ? sql`d.datlocale` : version >= 15 ? sql`d.daticulocale` : sql`null::text`
  const provider = version >= 15 ? sql`d.datlocprovider` : sql`'c'::"char"`
  const rules = version >= 16 ? sql`d.daticurules` : sql`null::text`
  return sql<DatabaseRow[]>`
    select d.datname as name, pg_get_userbyid(d.datdba) as owner, d.datconnlimit as connection_limit,
      shobj_description(d.oid, 'pg_database') as comment,
      ${explodeAcl(sql, sql`coalesce(d.datacl, acldefault('d', d.datdba))`)} as held,
      ${explodeAcl(sql, sql`acldefault('d', d.datdba)`)} as standard,
      array_to_json(array(select privilege_type from aclexplode(acldefault('d', d.datdba))
        where grantee = d.datdba)) as all,
      concat_ws(' ',
        'encoding ' || quote_literal(pg_encoding_to_char(d.encoding)),
        case ${provider} when 'i' then 'locale_provider icu' when 'b' then 'locale_provider builtin' end,
        case ${provider} when 'i' then 'icu_locale ' when 'b' then 'builtin_locale ' end
          || quote_literal(${provided}),
        'icu_rules ' || quote_literal(${rules}),
        'lc_collate ' || quote_literal(d.datcollate), 'lc_ctype ' || quote_literal(d.datctype))
        as locale
    from pg_database d
    where ${which} and d.datconnlimit <> -2
    order by d.oid`
}

async function make(
  sql: Sql,
  database: DatabaseRow,
  templateLocale: string | undefined,
): Promise<void> {
  const name = quoteIdentifier(database.name)
  // Only the empty template of PostgreSQL takes another locale than its own.
  const how = database.locale === templateLocale ? '' : ` template template0 ${database.locale}`
  const limit = `connection limit ${database.connection_limit}`
  const owner = quoteIdentifier(database.owner)
  await sql.unsafe(`create database ${name} owner ${owner}${how} ${limit}`)
  if (database.comment !== null) {
    await sql.unsafe(`comment on database ${name} is ${quoteLiteral(database.comment)}`)
  }
  const statements = privilegeStatements({ ...database, owner, target: `database ${name}` })
  // One of them may be to act for another role, and the next is then that role's.
  if (statements.length > 0) await sql.unsafe(statements.join(';\n'))
}

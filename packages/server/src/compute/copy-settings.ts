import type { Sql } from 'postgres'

import { quoteIdentifier, quoteLiteral } from './object-names.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

interface SettingsRow {
  /** Null where they hold in every database. */
  database: string | null
  /** Null where they hold for every role. */
  role: string | null
  /** `name=value` each. */
  settings: string[]
}

/** `ALTER ROLE … SET` and `ALTER DATABASE … SET` as they are in another cluster. May be repeated. */
export async function copySettings(from: Cluster, to: Cluster): Promise<void> {
  const rows = await from.withSuperuser(platformDatabase, readSettings)
  await to.withSuperuser(platformDatabase, async (sql) => {
    for (const row of rows) {
      const target = targetOf(row)
      for (const setting of row.settings) {
        await sql.unsafe(`alter ${target} set ${assignment(setting)}`)
      }
    }
  })
}

/** Of users' databases and roles. */
async function readSettings(sql: Sql): Promise<SettingsRow[]> {
  return sql<SettingsRow[]>`
    select d.datname as database, r.rolname as role, array_to_json(s.setconfig) as settings
    from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase
      left join pg_roles r on r.oid = s.setrole
    where (d.oid is null or (d.datallowconn and d.datconnlimit <> -2
        and d.datname not in ('postgres', 'template0', 'template1')))
      and (s.setrole = 0 or (not r.rolsuper and r.rolname not like 'pg\\_%'))
    order by s.setdatabase, s.setrole`
}

function targetOf({ role, database }: SettingsRow): string {
  if (role === null) return database === null ? 'role all' : `database ${quoteIdentifier(database)}`
  const within = database === null ? '' : ` in database ${quoteIdentifier(database)}`
  return `role ${quoteIdentifier(role)}${within}`
}

/** Settings that are lists of names: their text is quoted names, and is given name by name. */
const listSettings = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

function assignment(setting: string): string {
  const end = setting.indexOf('=')
  const name = setting.slice(0, end)
  const value = setting.slice(end + 1)
  const quotedName = name.split('.').map(quoteIdentifier).join('.')
  const items = listSettings.has(name.toLowerCase()) ? splitNames(value) : [value]
  return `${quotedName} to ${items.map(quoteLiteral).join(', ')}`
}

/** `"$user", public` → `$user`, `public`; an empty list is one empty name. */
function splitNames(list: string): string[] {
  const names = [...list.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)].map(
    ([bare, quoted]) => quoted?.replaceAll('""', '"') ?? bare,
  )
  return names.length > 0 ? names : ['']
}

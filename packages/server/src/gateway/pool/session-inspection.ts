/** What a server session holds, as PostgreSQL itself tells it, between two transactions. */
import { quoteLiteral } from './sql-quoting.ts'

export interface SessionState {
  /** Settings made in the session by lower-case name, in the form that `set_config` takes. */
  settings: Map<string, string>
  /** What no other session can be given, in words: `LISTEN on channel jobs`. */
  pins: string[]
  /** How many statements there are that messages have prepared under a name. */
  preparedByMessages: number
}

/** Named of each kind: one is enough to pin, and the words are for people. */
const maxNamed = 5

/** Whatever a session can set, but for settings without a definition (`app.tenant`) and `role`. */
const listed = `select name, setting, source from pg_catalog.pg_settings
  where context operator(pg_catalog.<>) 'internal' and (
    source operator(pg_catalog.=) 'session' or pg_catalog.strpos(name, '.') operator(pg_catalog.>) 0
  )`

/** A transaction's own settings come and go with it. */
const settings = `(
  select pg_catalog.json_object_agg(name, setting) from listed
  where source operator(pg_catalog.=) 'session'
    and name operator(pg_catalog.<>) all (
      array['transaction_isolation', 'transaction_read_only', 'transaction_deferrable']
    )
)`

const channels = `(
  select pg_catalog.json_agg(channel) from (
    select channel from pg_catalog.pg_listening_channels() channel limit ${maxNamed}
  ) channels
)`

/** Every temporary object depends on its schema, and that is found by an index. */
const temporaryObjects = `(
  select pg_catalog.json_agg(object) from (
    select pg_catalog.pg_describe_object(classid, objid, objsubid) as object from pg_catalog.pg_depend
    where refclassid operator(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
      and refobjid operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()
    limit ${maxNamed}
  ) objects
)`

/** Those of transactions have ended with them. */
const advisoryLocks = `(
  select pg_catalog.count(*) from pg_catalog.pg_locks
  where locktype operator(pg_catalog.=) 'advisory'
    and pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
)`

const cursors = `(
  select pg_catalog.json_agg(name) from (
    select name from pg_catalog.pg_cursors where is_holdable limit ${maxNamed}
  ) cursors
)`

const preparedStatements = `(
  select pg_catalog.json_agg(name) from (
    select name from prepared where from_sql limit ${maxNamed}
  ) statements
)`

/** A backend is listed under the role that has logged in. */
const isOtherUser = `(
  select pg_catalog.pg_get_userbyid(usesysid) operator(pg_catalog.<>) session_user
  from pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())
)`

/**
 * A statement whose one row has one column, for `readInspection`. To be run outside a transaction, as
 * whatever role the session has. Every function, table and operator is PostgreSQL's own, wherever
 * `search_path` leads. The column is base64 of JSON: `client_encoding` may not hold all of it.
 *
 * It takes about a millisecond, half of it for `pg_settings`; 500 prepared statements in the session,
 * also those made by messages, add another.
 */
export function inspectionQuery(customSettings: readonly string[]): string {
  return `with listed as materialized (${listed}),
prepared as materialized (select name, from_sql from pg_catalog.pg_prepared_statements)
select pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_build_object(
  'settings', ${settings},
  'custom', ${customValues(customSettings)},
  'role', pg_catalog.current_setting('role'),
  'is_other_user', ${isOtherUser},
  'channels', ${channels},
  'temporary_objects', ${temporaryObjects},
  'advisory_locks', ${advisoryLocks},
  'cursors', ${cursors},
  'prepared_statements', ${preparedStatements},
  'prepared_by_messages', (select pg_catalog.count(*) from prepared where not from_sql)
)::pg_catalog.text, 'UTF8'), 'base64')`
}

/** Of settings that have no definition; those that have one are listed with the others. */
function customValues(names: readonly string[]): string {
  if (names.length === 0) return 'null'
  return `(
  select pg_catalog.json_object_agg(custom, pg_catalog.current_setting(custom, true))
  from pg_catalog.unnest(array[${names.map(quoteLiteral).join(', ')}]) custom
  where custom operator(pg_catalog.<>) all (select pg_catalog.lower(name) from listed)
)`
}

interface Inspection {
  settings: Record<string, string> | null
  custom: Record<string, string | null> | null
  role: string
  is_other_user: boolean | null
  channels: string[] | null
  temporary_objects: string[] | null
  advisory_locks: number
  cursors: string[] | null
  prepared_statements: string[] | null
  prepared_by_messages: number
}

/** Of what `inspectionQuery` answers. Throws SyntaxError for anything else. */
export function readInspection(column: string): SessionState {
  const json = Buffer.from(column, 'base64').toString('utf8')
  // The statement above has built it.
  const found = JSON.parse(json) as Inspection
  return {
    settings: settingsOf(found),
    pins: pinsOf(found),
    preparedByMessages: found.prepared_by_messages,
  }
}

function settingsOf({ settings, custom, role }: Inspection): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries({ ...settings, ...custom })) {
    // Nobody has set it yet.
    if (value !== null) found.set(name.toLowerCase(), value)
  }
  if (role !== 'none') found.set('role', role)
  return found
}

function pinsOf(found: Inspection): string[] {
  return [
    ...(found.channels ?? []).map((name) => `LISTEN on channel ${name}`),
    ...(found.temporary_objects ?? []).map((object) => `temporary ${object}`),
    ...(found.advisory_locks > 0 ? ['session advisory lock'] : []),
    ...(found.cursors ?? []).map((name) => `WITH HOLD cursor ${name}`),
    ...(found.prepared_statements ?? []).map((name) => `prepared statement (SQL) ${name}`),
    ...(found.is_other_user === true ? ['SET SESSION AUTHORIZATION'] : []),
  ]
}

import type { Session } from './session.ts'

/** A relation of the user's, as the catalogue has it at a moment. */
export interface Relation {
  oid: string
  /** With its schema, unless that is `public`. */
  name: string
  /** `pg_class.relkind`. */
  kind: string
  /** The file that holds it; another one means that it has been written anew. Null for views and the like. */
  filenode: string | null
  /** Of an index: its table. */
  table: string | null
}

/** What a session sees at a moment, its own changes included. */
export interface Reading {
  walBytes: number
  databaseBytes: number
  relations: ReadonlyMap<string, Relation>
  /** Locks on relations that the session holds. */
  locks: readonly HeldLock[]
  /** Scans of whole tables and what has been changed in them, by this transaction, by OID. */
  activity: ReadonlyMap<string, Activity>
}

export interface HeldLock {
  oid: string
  mode: string
}

export interface Activity {
  scans: number
  changed: number
}

/** Reads it all; takes no lock that stays. */
export async function takeReading({ sql }: Session): Promise<Reading> {
  const [position] = await sql<Array<{ wal: string; size: string }>>`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as wal,
      pg_database_size(current_database())::text as size`
  const relations = await sql<Relation[]>`
    select c.oid::bigint as oid, case nspname when 'public' then '' else nspname || '.' end || relname as name,
      relkind as kind, pg_relation_filenode(c.oid)::bigint as filenode, indrelid::bigint as table
    from pg_class c join pg_namespace n on n.oid = relnamespace left join pg_index on indexrelid = c.oid
    where relkind in ('r', 'p', 'm', 'i', 'I') and relpersistence <> 't'
      and nspname !~ '^pg_' and nspname not in ('information_schema', 'coppice')`
  const locks = await sql<HeldLock[]>`
    select relation::bigint as oid, mode from pg_locks
    where pid = pg_backend_pid() and locktype = 'relation' and granted
      and database = (select oid from pg_database where datname = current_database())`
  const activity = await sql<Array<{ oid: string; scans: string; changed: string }>>`
    select relid::bigint as oid, seq_scan as scans, n_tup_ins + n_tup_upd + n_tup_del as changed
    from pg_stat_xact_user_tables`
  return {
    walBytes: Number(position?.wal),
    databaseBytes: Number(position?.size),
    relations: new Map(relations.map((relation) => [relation.oid, relation])),
    locks,
    activity: new Map(
      activity.map(({ oid, scans, changed }) => [
        oid,
        { scans: Number(scans), changed: Number(changed) },
      ]),
    ),
  }
}

/** The bytes of relations, with what belongs to them but their indexes. */
export async function sizesOf(
  { sql }: Session,
  oids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (oids.length === 0) return new Map()
  const rows = await sql<Array<{ oid: string; size: string }>>`
    select oid::bigint as oid, pg_table_size(oid)::text as size
    from pg_class where oid::bigint::text in ${sql(oids)}`
  return new Map(rows.map(({ oid, size }) => [oid, Number(size)]))
}

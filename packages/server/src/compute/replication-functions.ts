/**
 * What roles with REPLICATION may say to PostgreSQL's functions on slots. PostgreSQL loads whatever file
 * is named as a slot's output plugin, and lets every such role drop every slot. Here both arguments have
 * types of the platform's own, domains that take the plugins of a list and the slots that are not its own;
 * the gateway holds commands of the replication protocol to the same (`gateway/replication.ts`).
 */
import type { Sql, TransactionSql } from 'postgres'

import { outputPlugins, platformSlotPrefix } from '../lib/replication-slots.ts'
import { superuserName } from './access-files.ts'
import { quoteIdentifier, quoteLiteral } from './object-names.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

const guarded = [
  'pg_create_logical_replication_slot',
  'pg_copy_logical_replication_slot',
  'pg_create_physical_replication_slot',
  'pg_copy_physical_replication_slot',
  'pg_drop_replication_slot',
  'pg_replication_slot_advance',
]

/**
 * In every database, also those that nobody may connect to: a new one may be made after any of them. Does
 * nothing where it has been done. What a database holds of calls to the functions as they were, in bodies
 * that have been parsed or in prepared statements, fails from then on.
 */
export async function guardReplicationFunctions(cluster: Cluster): Promise<void> {
  if (await cluster.withSuperuser(platformDatabase, isGuarded)) return
  const done = new Set<number>()
  for (;;) {
    const rest = (await listDatabases(cluster)).filter(({ oid }) => !done.has(oid))
    if (rest.length === 0) break
    for (const database of rest) {
      await whileOpen(cluster, database, async () =>
        cluster.withSuperuser(database.name, guardDatabase),
      )
      done.add(database.oid)
    }
  }
  // Last: it says that all others are done.
  await cluster.withSuperuser(platformDatabase, guardDatabase)
}

interface Database {
  oid: number
  name: string
  is_open: boolean
}

/** All but the platform's, with those whose CREATE DATABASE goes on: it copies one that was there before. */
async function listDatabases(cluster: Cluster): Promise<Database[]> {
  return cluster.withSuperuser(platformDatabase, async (sql) =>
    sql.begin(async (transaction) => {
      await transaction`lock table pg_database in share row exclusive mode`
      // One that was being dropped (-2) can neither be used nor copied.
      return transaction<Database[]>`
        select oid, datname as name, datallowconn as is_open from pg_database
        where datname <> ${platformDatabase} and datconnlimit <> -2
        order by oid`
    }),
  )
}

async function whileOpen(
  cluster: Cluster,
  { name, is_open }: Database,
  work: () => Promise<void>,
): Promise<void> {
  if (is_open && name !== 'template0') return work()
  const allow = async (isAllowed: boolean) =>
    cluster.withSuperuser(platformDatabase, async (sql) =>
      sql.unsafe(`alter database ${quoteIdentifier(name)} allow_connections ${isAllowed}`),
    )
  await allow(true)
  try {
    await work()
  } finally {
    await allow(false)
  }
}

async function isGuarded(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ is_there: boolean }[]>`
    select to_regtype('pg_catalog.coppice_output_plugin') is not null as is_there`
  return row?.is_there === true
}

async function guardDatabase(sql: Sql): Promise<void> {
  if (await isGuarded(sql)) return
  const plugins = outputPlugins.map(quoteLiteral).join(', ')
  await sql.begin(async (transaction) => {
    // The names of the constraints are what an error says.
    await transaction.unsafe(`
      create domain pg_catalog.coppice_output_plugin as name
        constraint "only ${outputPlugins.join(', ')}" check (value in (${plugins}))`)
    await transaction.unsafe(`
      create domain pg_catalog.coppice_slot_name as name
        constraint "slots named ${platformSlotPrefix}… are the platform’s"
        check (not starts_with(value::text, ${quoteLiteral(platformSlotPrefix)})
          or current_user = ${quoteLiteral(superuserName)})`)
    // Under another oid, so that PostgreSQL does not take them for its own, whose types it knows, and
    // what was parsed before finds nothing.
    await transaction`
      update pg_proc p set
        oid = pg_nextoid('pg_proc', 'oid', 'pg_proc_oid_index'),
        proargtypes = (
          select string_agg(${guardedType(transaction)}::text, ' ' order by i)
          from unnest(p.proargtypes::oid[]) with ordinality as argument (type, i))::oidvector,
        proallargtypes = (
          select array_agg(${guardedType(transaction)} order by i)
          from unnest(p.proallargtypes) with ordinality as argument (type, i))
      where p.pronamespace = 'pg_catalog'::regnamespace and p.proname in ${transaction(guarded)}`
  })
}

/** Of an argument `(type, i)`: names of slots and plugins alone are a `name`. What comes out stays one. */
const guardedType = (sql: TransactionSql) => sql`
  (case when type <> 'name'::regtype or i > p.pronargs then type
    when p.proargnames[i] = 'plugin' then 'pg_catalog.coppice_output_plugin'::regtype
    else 'pg_catalog.coppice_slot_name'::regtype end)::oid`

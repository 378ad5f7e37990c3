import type { Sql } from 'postgres'

import { hasLibrary, type Installation } from './installations.ts'
import { memberGroup } from './object-names.ts'
import { guardReplicationFunctions } from './replication-functions.ts'
import { platformDatabase, type Cluster } from './superuser.ts'

/** What every cluster of ours has from the beginning. Runs once, in the template. */
export async function prepareTemplate(cluster: Cluster, installation: Installation): Promise<void> {
  const { majorVersion } = installation
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    await createMemberGroup(sql)
    if (majorVersion < 16) await removeHostRoles(sql)
    // A session there would keep everybody from creating databases.
    await sql`revoke all on database template1 from public`
  })
  const hasStatStatements = await hasLibrary(installation, 'pg_stat_statements')
  for (const database of [platformDatabase, 'template1']) {
    await cluster.withSuperuser(database, async (sql) => {
      await protectPublicSchema(sql)
      await grantReplicationHelpers(sql)
      if (hasStatStatements) await createStatStatements(sql)
    })
  }
  await guardReplicationFunctions(cluster)
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    await sql`checkpoint`
  })
}

/**
 * As Neon makes it, without two things. With REPLICATION a member could become it and then copy the whole
 * cluster. With pg_create_subscription (16 and later) a role gives libpq a connection string, which from 18
 * on can name a file to write (`sslkeylogfile`): that of another compute, for one. Subscriptions could
 * apply nothing here in any case.
 */
async function createMemberGroup(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create role ${memberGroup} createdb createrole bypassrls nologin
    in role pg_read_all_data, pg_write_all_data`)
  await sql.unsafe(`grant pg_monitor, pg_signal_backend to ${memberGroup} with admin option`)
}

/**
 * Before 16, whoever has CREATEROLE can make itself a member of any role but superusers, and so of those
 * that run programs and read and write files on the host. No grant can forbid it, so in clusters of 14
 * and 15 those roles do not exist. (They are pinned: DROP ROLE refuses.)
 */
async function removeHostRoles(sql: Sql): Promise<void> {
  await sql.begin(async (transaction) => {
    const removed = await transaction<{ oid: number }[]>`
      delete from pg_authid
      where rolname in
        ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
      returning oid`
    if (removed.length !== 3) throw new Error('the roles that reach the host are not all there')
    await transaction`
      delete from pg_shdescription d
      where d.classoid = 'pg_authid'::regclass
        and not exists (select from pg_authid a where a.oid = d.objoid)`
  })
}

/** As 15 and later have it: the schema follows the owner of its database, and others do not create in it. */
async function protectPublicSchema(sql: Sql): Promise<void> {
  await sql`alter schema public owner to pg_database_owner`
  await sql`revoke create on schema public from public`
}

/** Views are readable by all already, and show others' statements to members of pg_read_all_stats. */
async function createStatStatements(sql: Sql): Promise<void> {
  await sql`create extension pg_stat_statements schema public`
  // As if whoever owns the database had created it: they may drop and comment on it, which a restored
  // dump does. What is in it stays the superuser's, as with every trusted extension.
  await sql`
    update pg_extension set extowner = 'pg_database_owner'::regrole
    where extname = 'pg_stat_statements'`
  await grantFunctions(sql, ['pg_stat_statements_reset'])
}

async function grantReplicationHelpers(sql: Sql): Promise<void> {
  await grantFunctions(sql, [
    'pg_export_snapshot',
    'pg_log_standby_snapshot',
    'pg_show_replication_origin_status',
  ])
}

/** Lets members call functions, in whatever shape this version has them, and where it has them. */
async function grantFunctions(sql: Sql, names: readonly string[]): Promise<void> {
  const found = await sql<{ signature: string }[]>`
    select oid::regprocedure::text as signature from pg_proc where proname in ${sql(names)}`
  for (const { signature } of found) {
    await sql.unsafe(`grant execute on function ${signature} to ${memberGroup}`)
  }
}
